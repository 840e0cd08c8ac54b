"""The endpoints that the services' API texts document, the way to each of them here, and a test that takes it.

Data for ``coverage``. Written from the API texts, not from the code: what is missing in the code is missed. Below each
test stand the calls that it makes: what makes it (an action of that service, or ``watch:`` and a watch's resource, or
``callback:`` and a hook), the method, the path. Paths carry the parameters' own names. ``client`` is what is done
without being asked; ``>`` is a call that the service makes.
"""

POPULR = """
test_actions test_templates_are_listed
  list_templates GET /templates
test_actions test_pops_are_listed_whole_by_page_and_by_template
  list_template_pops GET /templates/:template_id/pops
  list_pops GET /pops
test_watches test_new_pops_are_told_across_pages
  watch:pops GET /templates/:template_id/pops
test_actions test_a_pop_is_made_filled_published_and_taken_down
  create_pop POST /pops
  get_pop GET /pops/:pop_id
  update_pop PUT /pops/:pop_id
  publish_pop POST /pops/:pop_id/publish
  unpublish_pop POST /pops/:pop_id/unpublish
test_actions test_a_pop_is_deleted_once_and_it_is_no_error_twice
  delete_pop DELETE /pops/:pop_id
test_actions test_collaboration_is_enabled_with_our_url
  enable_collaboration PUT /pops/:pop_id
test_actions test_collaboration_is_disabled_and_those_who_are_at_it_are_still_told_of
  disable_collaboration PUT /pops/:pop_id
test_actions test_a_tracer_that_notifies_carries_our_url_and_does_not_show_it
  create_tracer POST /pops/:pop_id/tracers
  get_tracer GET /pops/:pop_id/tracers/:tracer_id
test_watches test_a_read_back_confirms_and_tells
  watch:tracers GET /pops/:pop_id/tracers/:tracer_id
test_actions test_a_file_is_uploaded_and_deleted
  upload_document POST /documents
  delete_document DELETE /documents/:asset_id
  upload_image POST /images
  delete_image DELETE /images/:asset_id
  upload_background_image POST /background_images
  delete_background_image DELETE /background_images/:asset_id
test_actions test_assets_are_placed_in_a_pop
  create_embed POST /embeds
  delete_embed DELETE /embeds/:asset_id
test_actions test_domains_are_added_listed_and_deleted
  list_domains GET /domains
  add_domain POST /domains
  delete_domain DELETE /domains
test_callbacks test_the_documented_body_claims_its_counters
  callback:tracer >POST notify_webhook
test_callbacks test_a_collaboration_body_is_the_pop_bare_or_wrapped
  callback:collaboration >POST collaboration_webhook
test_actions test_any_path_can_be_called
  request ANY /…
"""

POPILY = """
test_actions test_a_source_is_added_marked_told_and_followed
  add_source POST /sources/
test_actions test_sources_are_read_and_listed
  list_sources GET /sources/
  get_source GET /sources/:source_id/
test_sources test_a_source_is_watched_until_finished
  watch:sources GET /sources/
test_actions test_insights_are_listed_and_read
  list_insights GET /insights/
  get_insight GET /insights/:insight_id/
test_actions test_an_insight_is_customized_for_all_or_for_one_set_of_filters
  customize_insight PUT /insights/:insight_id/
test_actions test_users_are_made_and_listed
  create_user POST /users/
  list_users GET /users/
test_actions test_any_path_can_be_called
  request ANY /…
"""

COMPASS = """
test_client test_many_calls_at_once_log_in_once
  client POST /login/
test_people test_tokens_are_told_without_themselves
  list_tokens GET /tokens/
  get_token GET /tokens/:token/
test_people test_a_token_is_deleted_and_the_daemon_logs_in_again
  delete_token DELETE /tokens/:token/
test_projects test_projects_are_listed_by_account_and_status
  list_projects GET /projects/
test_projects test_projects_are_made_read_changed_and_deleted
  create_project POST /projects/
  get_project GET /projects/:project_id/
  update_project PUT /projects/:project_id/
  delete_project DELETE /projects/:project_id/
test_projects test_documents_are_listed_by_label_and_dataset
  list_documents GET /projects/:project_id/p/documents/
test_actions test_documents_go_in_parts_of_a_thousand
  add_documents POST /projects/:project_id/p/documents/
test_projects test_classifiers_are_listed_changed_and_deleted
  list_classifiers GET /projects/:project_id/p/classifiers/
  update_classifier PUT /projects/:project_id/p/classifiers/:classifier_id/
  delete_classifier DELETE /projects/:project_id/p/classifiers/:classifier_id/
test_actions test_a_project_is_watched_whole
  watch:classifiers GET /projects/:project_id/p/classifiers/
test_actions test_a_classifier_is_made_and_followed_until_it_is_ready
  create_classifier POST /projects/:project_id/p/classifiers/
  watch:classifiers GET /projects/:project_id/p/classifiers/:classifier_id/
test_actions test_one_classifier_is_read
  get_classifier GET /projects/:project_id/p/classifiers/:classifier_id/
test_projects test_a_classifiers_topics_are_added_changed_and_taken_away
  create_classifier_topic POST /projects/:project_id/p/classifiers/:classifier_id/topics
  update_classifier_topic PUT /projects/:project_id/p/topics/:topic_id
  delete_classifier_topic DELETE /projects/:project_id/p/topics/:topic_id/
test_actions test_a_text_is_classified_and_not_kept
  classify POST /projects/:project_id/p/classify/
test_topics test_topics_are_made_read_changed_and_deleted
  create_topic POST /projects/:project_id/p/topics/
  update_topic PUT /projects/:project_id/p/topics/:topic_id/
  delete_topic DELETE /projects/:project_id/p/topics/:topic_id/
  list_topics_history GET /projects/:project_id/p/topics_history/
test_topics test_topics_are_listed_with_their_counts
  list_topics GET /projects/:project_id/p/topics/
  get_topic GET /projects/:project_id/p/topics/:topic_id/
test_watches test_topics_are_told_once_as_they_come_change_and_go
  watch:topics GET /projects/:project_id/p/topics/
test_topics test_a_topics_messages_are_listed_with_their_centrality
  list_topic_messages GET /projects/:project_id/p/topics/:topic_id/messages/
test_actions test_messages_get_a_time_and_an_id_that_stays
  post_messages POST /projects/:project_id/p/messages/
test_topics test_messages_are_listed_read_and_deleted
  list_messages GET /projects/:project_id/p/messages/
  get_message GET /projects/:project_id/p/messages/:message_id/
  delete_message DELETE /projects/:project_id/p/messages/:message_id/
test_watches test_messages_are_told_by_their_ids_once
  watch:messages GET /projects/:project_id/p/messages/
test_topics test_messages_before_a_moment_are_purged
  purge_messages DELETE /projects/:project_id/p/purge/
test_topics test_counts_and_usage_are_read
  get_stats GET /projects/:project_id/p/stats/
  list_usage GET /projects/:project_id/p/usage/
  get_usage GET /projects/:project_id/p/usage/:usage_id/
test_watches test_counts_are_told_when_they_change
  watch:stats GET /projects/:project_id/p/stats/
test_topics test_settings_are_set_and_unset
  list_config GET /projects/:project_id/p/config/
  get_config GET /projects/:project_id/p/config/:key/
  set_config PUT /projects/:project_id/p/config/:key/
  unset_config DELETE /projects/:project_id/p/config/:key/
test_people test_accounts_are_made_read_changed_and_deleted
  list_accounts GET /accounts/
  create_account POST /accounts/
  get_account GET /accounts/:account_id/
  update_account PUT /accounts/:account_id/
  delete_account DELETE /accounts/:account_id/
test_people test_users_are_made_read_changed_and_deleted
  list_users GET /users/
  create_user POST /users/
  get_user GET /users/:email/
  update_user PUT /users/:email/
  delete_user DELETE /users/:email/
test_people test_ones_own_password_is_changed_and_used_from_then_on
  change_password PUT /users/:email/password/
test_people test_a_password_is_reset_and_nobody_is_told
  reset_password POST /users/:email/password/reset/
test_people test_permissions_are_given_listed_and_taken
  list_permissions GET /permissions/
  create_permission POST /permissions/
  get_permission GET /permissions/:permission_id/
  delete_permission DELETE /permissions/:permission_id/
test_actions test_any_path_can_be_asked
  request ANY /…
"""

TONALYTICA = """
test_client test_ping_tells_the_version_of_a_good_key
  client GET /api/session
test_sandbox test_queries_are_made_found_and_read
  list_queries GET /api/queries
  create_query POST /api/queries
  get_query GET /api/queries/:query_id
test_queries test_an_edit_changes_what_it_names_and_nothing_else
  update_query POST /api/queries/:query_id
test_queries test_archived_queries_are_not_listed_and_still_read
  archive_query DELETE /api/queries/:query_id
test_queries test_the_cached_result_is_read_without_executing
  get_cached_result GET /api/queries/:query_id/results.json
test_jobs test_the_life_of_a_job
  execute_query POST /api/queries/:query_id/results
test_queries_watch test_with_max_age_the_watch_executes_by_itself
  watch:queries POST /api/queries/:query_id/results
test_sandbox test_jobs_and_results_are_read
  get_job GET /api/jobs/:job_id
  get_result GET /api/query_results/:query_result_id
test_jobs test_a_killed_worker_is_believed_at_the_third_look
  watch:jobs GET /api/jobs/:job_id
test_dashboards test_a_dashboard_is_made_read_edited_and_archived
  list_dashboards GET /api/dashboards
  create_dashboard POST /api/dashboards
  get_dashboard GET /api/dashboards/:dashboard_id
  archive_dashboard DELETE /api/dashboards/:dashboard_id
  update_dashboard POST /api/dashboards/:dashboard_id
test_scripts test_a_term_is_found_in_queries_and_in_results
  search_results SCRIPT gdpr-scrub
test_scripts test_tables_are_listed_with_the_queries_that_read_them
  find_tables SCRIPT find-tables
test_cloning test_a_copy_has_queries_visualizations_and_widgets_of_its_own
  clone_dashboard SCRIPT clone-dashboard-and-queries
test_scripts test_every_query_becomes_a_file_and_a_line_of_the_list
  export_queries SCRIPT export-queries
test_sandbox test_any_path_can_be_asked
  request ANY /api/…
"""

PLOTLY = """
test_plots test_users_and_endpoints_are_told
  list_endpoints GET /
  list_users GET /users
  get_user GET /users/:username
  get_user GET /users/current
test_plots test_grids_are_found_by_their_metadata
  search GET /search
test_files test_a_file_is_read_renamed_and_moved
  get_file GET /files/:fid
  update_file PATCH /files/:fid
test_watches test_ids_are_looked_at_one_by_one
  watch:files GET /files/:fid
test_actions test_a_file_is_found_by_its_path
  lookup_file GET /files/lookup
test_files test_contents_are_read_whatever_the_type
  get_file_content GET /files/:fid/content
test_files test_the_trash_can_be_used_twice_and_undone
  trash_file POST /files/:fid/trash
  restore_file POST /files/:fid/restore
test_files test_deleting_goes_through_the_trash_and_is_final
  delete_file DELETE /files/:fid/permanent_delete
test_actions test_rows_become_a_grid
  create_grid POST /grids
test_actions test_a_grid_is_read_whole
  get_grid GET /grids/:fid/content
test_grids test_a_grid_is_changed_in_its_cells_and_in_its_own_fields
  update_grid PATCH /grids/:fid
  update_grid PUT /grids/:fid/col
test_grids test_a_grid_is_deleted_at_once_and_only_once
  delete_grid DELETE /grids/:fid
test_actions test_objects_are_appended_in_the_grids_order
  append_rows POST /grids/:fid/row
test_grids test_columns_are_added_beside_those_that_are_there
  append_columns POST /grids/:fid/col
test_grids test_some_columns_are_read_and_taken_out
  get_columns GET /grids/:fid/col
  delete_columns DELETE /grids/:fid/col
test_actions test_a_plot_names_columns_of_its_grid
  create_plot POST /plots
test_plots test_a_plot_is_read_with_its_figure_and_its_cells
  get_plot GET /plots/:fid
  get_plot GET /plots/:fid/content
test_plots test_a_plot_gets_another_figure_and_keeps_its_address
  update_plot PATCH /plots/:fid
test_plots test_public_plots_are_listed_by_cursor
  list_plots GET /plots
  list_feed GET /plots/feed
test_files test_folders_are_made_once_however_often_asked
  create_folder POST /folders
test_files test_listings_go_over_pages_and_leave_the_trash_out
  get_folder GET /folders/:fid
  get_folder GET /folders/home
  list_files GET /folders/all
test_watches test_a_file_is_told_when_it_comes_changes_and_goes
  watch:files GET /folders/all
test_plots test_a_plot_is_drawn_with_its_cells
  render_image POST /images
test_plots test_comments_are_made_and_deleted_once
  create_comment POST /comments
  delete_comment DELETE /comments/:comment_id
test_plots test_the_schema_is_read_until_it_is_known
  get_plot_schema GET /plot-schema
test_plots test_boards_are_made_listed_read_and_changed
  list_dashboards GET /dashboards
  create_dashboard POST /dashboards
  get_dashboard GET /dashboards/:fid
  update_dashboard PUT /dashboards/:fid
  list_presentations GET /spectacle-presentations
  create_presentation POST /spectacle-presentations
  get_presentation GET /spectacle-presentations/:fid
  update_presentation PUT /spectacle-presentations/:fid
test_plots test_a_dash_app_is_made_read_and_changed
  get_dashboard_schema GET /dashboards/schema
  create_dash_app POST /dash-apps
  get_dash_app GET /dash-apps/:fid
  update_dash_app PUT /dash-apps/:fid
test_actions test_any_path_can_be_called
  request ANY /extras
  request ANY /memberships
  request ANY /organizations
  request ANY /subscriptions
  request ANY /jupyter-notebooks
  request ANY /shapefiles
  request ANY /external-images
  request ANY /analysis
  request POST /grids/upload
  request POST /files/:fid/copy
  request GET /files/:fid/path
  request ANY /…
"""

LISTED = {
    "compass": COMPASS,
    "plotly": PLOTLY,
    "popily": POPILY,
    "populr": POPULR,
    "tonalytica": TONALYTICA,
}

ABOUT = {
    "compass": "Of the paths that the API text writes without their last slash the daemon tries both forms. Purging is "
    "known from the vendor's own scripts.",
    "plotly": "The API text names families of endpoints and gives no paths; those here are known from the vendor's "
    "pages and clients. For what stands with `plotly.request` no form is published: it is called by its path, and the "
    "service says what it takes.",
    "popily": "The API text also prints the calls of a client; each of them is one of these.",
    "populr": "Reading one pop is known from the vendor's clients. The last two are what Populr calls.",
    "tonalytica": "Any Redash is spoken to in the same way. The last ones are the scripts that come with its client.",
}
"""What is to be said of a service's list, in Markdown."""
