"""What can be done without an account: ``calls`` go out over HTTP, ``disk`` writes files, ``own`` stays at home,
``notices`` tell people something (``apprised`` knows Apprise, ``watched`` sees what goes out, ``verdicts`` judges it).
"""
