"""What the predefined roles hold, of the permissions that a deploy can need.

From Google's IAM reference (https://cloud.google.com/iam/docs/roles-permissions), compared with a
public daily copy of all predefined roles of August 2026. A role holds more than is listed, and
Google changes roles: a deploy that is refused although it was rehearsed starts the search here.
"""

_INDEXES = ("list", "create", "update", "delete")

ROLES: dict[str, frozenset[str]] = {
    "roles/cloudfunctions.admin": frozenset(
        {
            "artifactregistry.repositories.get",
            "cloudfunctions.functions.create",
            "cloudfunctions.functions.delete",
            "cloudfunctions.functions.get",
            "cloudfunctions.functions.list",
            "cloudfunctions.functions.setIamPolicy",
            "cloudfunctions.functions.sourceCodeSet",
            "cloudfunctions.functions.update",
            "cloudfunctions.operations.get",
            "resourcemanager.projects.get",
            "run.services.get",
            "run.services.getIamPolicy",
            "run.services.setIamPolicy",
            "serviceusage.services.get",
        }
    ),
    "roles/cloudscheduler.admin": frozenset(
        {
            "cloudscheduler.jobs.create",
            "cloudscheduler.jobs.delete",
            "cloudscheduler.jobs.get",
            "cloudscheduler.jobs.update",
            "resourcemanager.projects.get",
            "serviceusage.services.get",
        }
    ),
    "roles/datastore.indexAdmin": frozenset(
        {
            "datastore.databases.getMetadata",
            "datastore.operations.get",
            "resourcemanager.projects.get",
            *(f"datastore.indexes.{verb}" for verb in _INDEXES),
        }
    ),
    "roles/firebasehosting.admin": frozenset(
        {
            "firebase.projects.get",
            "firebasehosting.sites.get",
            "firebasehosting.sites.list",
            "firebasehosting.sites.update",
            "resourcemanager.projects.get",
        }
    ),
    "roles/firebaserules.admin": frozenset(
        {
            "firebaserules.releases.create",
            "firebaserules.releases.list",
            "firebaserules.releases.update",
            "firebaserules.rulesets.create",
            "firebaserules.rulesets.get",
            "firebaserules.rulesets.test",
            "resourcemanager.projects.get",
        }
    ),
    "roles/firebasestorage.viewer": frozenset(
        {"firebasestorage.defaultBucket.get", "resourcemanager.projects.get"}
    ),
    "roles/iam.serviceAccountUser": frozenset(
        {"iam.serviceAccounts.actAs", "resourcemanager.projects.get"}
    ),
    "roles/secretmanager.admin": frozenset(
        {
            "resourcemanager.projects.get",
            "secretmanager.secrets.get",
            "secretmanager.secrets.getIamPolicy",
            "secretmanager.secrets.setIamPolicy",
            "secretmanager.versions.get",
        }
    ),
    "roles/serviceusage.serviceUsageAdmin": frozenset(
        {
            "serviceusage.services.enable",
            "serviceusage.services.get",
            "serviceusage.services.use",
        }
    ),
}
