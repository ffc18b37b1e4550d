"""The list of scenarios."""

from local.rehearsal import goes_live, guide, stops
from local.rehearsal.project import ALWAYS_ON, CloudProject
from local.rehearsal.scenario import Scenario

FIRST = Scenario(
    "a first deploy into an empty project", goes_live.first_deploy, from_deployed=False
)
# What `make test` plays, after the first.
SHORT = (
    Scenario("a second deploy that changes nothing", goes_live.nothing_changed),
    Scenario("a missing secret", stops.missing_secret, from_deployed=False),
    Scenario("a later version, as the CI account", goes_live.ci),
)


def all_scenarios(deployed: CloudProject) -> list[Scenario]:
    """Every scenario but the first, which leads to `deployed`."""
    return [
        *SHORT,
        Scenario("a changed index", goes_live.changed_index),
        Scenario("functions of the default account", goes_live.default_account),
        Scenario("no clean-up policy, without --force", stops.no_policy, from_deployed=False),
        Scenario(
            "refused by Cloud Scheduler",
            stops.no_schedule,
            from_deployed=False,
            about_refusals=True,
        ),
        Scenario("an organisation that refuses allUsers", stops.no_public, from_deployed=False),
        Scenario("no Firestore database", stops.no_database, from_deployed=False),
        Scenario("no Storage bucket", stops.no_bucket, from_deployed=False),
        Scenario("no account for the functions", stops.no_account, from_deployed=False),
        *(
            Scenario(f"CI without {each.role}", stops.ci_without(each.role), about_refusals=True)
            for each in guide.ci_roles()
        ),
        *(
            Scenario(
                f"{api} off, and not to be switched on", stops.api_off(api), about_refusals=True
            )
            for api in sorted(deployed.enabled - ALWAYS_ON)
        ),
    ]
