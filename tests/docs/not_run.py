"""Which pages' commands are run, and the commands that no test runs as they stand there, each with the reason.

A command of a page that is in none of the tables is a failed test, never a command that is run unseen: guides have
commands that set up whole machines.
"""

from typing import Final

RUN: Final = {
    "README.md",
    "docs/access.md",
    "docs/athena.md",
    "docs/first-hour.md",
    "docs/guides/dbc.md",
    "docs/operations.md",
    "docs/rules.md",
}
"""Pages whose commands `test_commands` types, but for those below."""

BY_THEIR_OWN_TEST: Final = {"docs/http.md": "tests/api/test_http_page.py"}

NOT_RUN: Final = [
    # (page, how the command begins, why; with the test that does it on a stand-in)
    ("*", "make demo", "installs and runs everything: tests/e2e/test_demo.py"),
    ("*", "make test", "it is what runs this"),
    ("CONTRIBUTING.md", "git clone", "OWNER is whoever has the repository"),
    ("CONTRIBUTING.md", "make check", "it is what runs this"),
    ("CONTRIBUTING.md", "make hooks", "changes the clone: tests/test_secrets.py::test_a_commit_of_a_secret_is_refused_without_showing_it"),
    ("CONTRIBUTING.md", ".venv/bin/pytest", "it is what runs this"),
    ("CONTRIBUTING.md", "make docs", "the same build: tests/docs/test_site.py::test_every_page_is_built_and_no_link_is_broken"),
    ("README.md", "dagster", "runs until it is ended: tests/e2e/test_on_postgres.py::test_nothing_is_lost_whoever_is_killed"),
    ("README.md", "make lambda", "a minute of packing: tests/test_lambda_package.py::test_the_package_holds_everything_and_fits"),
    ("README.md", "spark-submit", "Spark's own launcher: tests/test_spark_job.py::test_a_backlog_is_decoded_to_the_bytes_of_every_other_door"),
    ("docs/access.md", "telemetry serve", "needs an issuer of tokens: tests/e2e/test_sign_in.py"),
    ("docs/access.md", "curl", "needs a token: tests/api/test_auth.py::test_what_was_not_signed_by_the_issuer_is_refused"),
    ("docs/athena.md", "telemetry", "needs Athena: tests/query/athena/test_reader.py, over a stand-in"),
    ("docs/athena.md", "ATHENA_IT=1", "needs an AWS account"),
    ("docs/catalog.md", "telemetry catalog", "needs Glue: tests/cli/test_fleet_and_catalog.py::test_the_catalogue_of_a_bucket_is_synced_and_shown"),
    ("docs/cost.md", "python -m infra.cost", "its own: tests/infra/test_cost.py::test_the_page_has_the_tables_that_the_command_writes"),
    ("docs/deploy.md", "cp infra/deployment.yaml", "prepares what the next lines deploy"),
    ("docs/deploy.md", "npm --prefix infra", "needs an AWS account"),
    ("docs/deploy.md", "make deploy", "needs an AWS account; its templates: tests/infra/test_lint.py::test_no_rule_is_broken"),
    ("docs/deploy.md", "telemetry smoke", "needs an AWS account: tests/smoke/test_smoke.py::test_a_sound_deployment_passes_and_is_left_as_it_was"),
    ("docs/deploy.md", "aws", "needs an AWS account"),
    ("docs/deploy.md", "TELEMETRY_LAKE=", "needs Glue: tests/cli/test_fleet_and_catalog.py::test_the_catalogue_of_a_bucket_is_synced_and_shown"),
    ("docs/edge.md", "sum=", "prepares what the next line sends"),
    ("docs/edge.md", "printf", "prepares what the next line sends"),
    ("docs/edge.md", "aws s3 cp", "needs a bucket"),
    ("docs/guides/bench-test.md", "", "needs a Raspberry Pi with an adapter"),
    ("docs/guides/dbc.md", "edge_agent/pi/download-opendbc.sh", "asks the network"),
    ("docs/guides/dbc.md", "sudo edge-agent", "needs a Raspberry Pi with an adapter"),
    ("docs/guides/local-mode.md", "", "needs a Raspberry Pi: tests/edge_agent/test_local_stack.py::test_the_laptop_fetches_decodes_and_serves"),
    ("docs/guides/raspberry-pi.md", "", "sets up a Raspberry Pi: tests/edge_agent/test_pi_setup.py::test_every_adapter_is_set_up_once"),
    ("docs/operations.md", "telemetry stale --launch", "needs Dagster: tests/cli/test_stale.py::test_a_backfill_is_asked_for_what_dagster_tracks"),
    ("docs/recovery.md", "", "needs a versioned bucket: tests/infra/test_recover.py::test_a_lake_that_was_deleted_and_written_over_is_as_it_was"),
    ("docs/testing.md", "make fuzz", "minutes of a core; a short one: tests/fuzz/test_fuzzing.py::test_damaged_input_is_refused_or_accounted_for"),
    ("docs/testing.md", "python -m tests.fuzz", "part of the same"),
    ("docs/testing.md", "pytest --cov", "takes minutes, and is the suite that runs this"),
]  # fmt: skip
