"""What operators see: health, metrics; answered on the admin side only.

``app`` builds :class:`~daemon.web.admin.AdminSide` and puts it behind the admin listener.
"""
