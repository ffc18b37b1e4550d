"""The one table of calls: which a deploy makes, what each needs, who answers it.

A call in no row fails the rehearsal. The permissions are those that Google's reference names for
each method, as far as it names any. Read from documents, never tried on Google Cloud:

- `generateServiceIdentity`: undocumented. Held to `serviceusage.services.enable`, the most that
  any method on a service's state asks for.
- `adminSdkConfig`: undocumented. Held to `firebase.projects.get`.
- Index and field methods: Firestore's reference names `datastore.indexes.*`. Newer lists of what
  the predefined roles hold call the same permissions `datastore.schemas.*`.
- Creating a function or a Scheduler job acts as the account named in it: `actAs`.
- Finalising a Hosting version that leads to Cloud Run looks at the services, which is why
  `firebase init hosting:github` grants Cloud Run Viewer.

Beside these, a call that names a project in `x-goog-user-project` needs `QUOTA_PERMISSION` there.
"""

from local.rehearsal import access_answers as access
from local.rehearsal import data_answers as data
from local.rehearsal import function_answers as functions
from local.rehearsal import hosting_answers as hosting
from local.rehearsal.protocol import Answer, Row

QUOTA_PERMISSION = "serviceusage.services.use"
_ACT_AS = "iam.serviceAccounts.actAs"

_IN_PROJECT = "/v1/projects/{project}"
_DATABASE = "/v1/projects/{project}/databases/(default)"
_GROUP = f"{_DATABASE}/collectionGroups/{{group}}"
_PLACE = "projects/{project}/locations/{location}"
_SECRET = "/v1/projects/{project}/secrets/{secret}"  # noqa: S105  # a path
_SITE = "/v1beta1/projects/{project}/sites/{site}"


def _rows(
    name: str, *rows: tuple[str, str, tuple[str, ...], Answer], api: str | None = None
) -> list[Row]:
    host = f"{name}.googleapis.com"
    return [Row(method, host, path, needs, by, api) for method, path, needs, by in rows]


# fmt: off
ROWS: tuple[Row, ...] = (
    *_rows(
        "sts",
        ("POST", "/v1/token", (), access.federated_token),
        api="",
    ),
    *_rows(
        "iamcredentials",
        # The pool's identity needs Workload Identity User on the account: not a role of the account.
        ("POST", "/v1/projects/-/serviceAccounts/{account}:generateAccessToken", (), access.account_token),
        # A person signs in otherwise, and both are one here: signing in works with the API off.
        api="",
    ),
    *_rows(
        "cloudresourcemanager",
        ("GET", _IN_PROJECT, ("resourcemanager.projects.get",), access.project),
        ("POST", f"{_IN_PROJECT}:testIamPermissions", (), access.granted_permissions),
    ),
    *_rows(
        "iam",
        ("POST", f"{_IN_PROJECT}/serviceAccounts/{{account}}:testIamPermissions", (), access.app_engine_account),
    ),
    *_rows(
        "serviceusage",
        ("GET", f"{_IN_PROJECT}/services/{{api}}", ("serviceusage.services.get",), access.service),
        ("POST", f"{_IN_PROJECT}/services/{{api}}:enable", ("serviceusage.services.enable",), access.enable_service),
        ("POST", "/v1beta1/projects/{project}/services/{api}:generateServiceIdentity", ("serviceusage.services.enable",), access.service_identity),
    ),
    *_rows(
        "firebase",
        ("GET", "/v1beta1/projects/{project}", ("firebase.projects.get",), access.firebase_project),
        ("GET", "/v1beta1/projects/{project}/adminSdkConfig", ("firebase.projects.get",), access.admin_config),
    ),
    *_rows(
        "firestore",
        ("GET", _DATABASE, ("datastore.databases.getMetadata",), data.database),
        ("POST", "/v1/projects/{project}/databases", ("datastore.databases.create",), data.create_database),
        ("GET", f"{_DATABASE}/operations/{{operation}}", ("datastore.operations.get",), data.database_operation),
        ("GET", f"{_DATABASE}/collectionGroups/-/indexes", ("datastore.indexes.list",), data.indexes),
        ("GET", f"{_DATABASE}/collectionGroups/-/fields", ("datastore.indexes.list",), data.fields),
        ("POST", f"{_GROUP}/indexes", ("datastore.indexes.create",), data.create_index),
        ("DELETE", f"{_GROUP}/indexes/{{index}}", ("datastore.indexes.delete",), data.delete_index),
        ("PATCH", f"{_GROUP}/fields/{{field}}", ("datastore.indexes.update",), data.set_field),
    ),
    *_rows(
        "firebaserules",
        ("POST", f"{_IN_PROJECT}:test", ("firebaserules.rulesets.test",), data.compiled_rules),
        ("GET", f"{_IN_PROJECT}/releases", ("firebaserules.releases.list",), data.releases),
        ("GET", f"{_IN_PROJECT}/rulesets/{{ruleset}}", ("firebaserules.rulesets.get",), data.ruleset),
        ("POST", f"{_IN_PROJECT}/rulesets", ("firebaserules.rulesets.create",), data.create_ruleset),
        ("POST", f"{_IN_PROJECT}/releases", ("firebaserules.releases.create",), data.create_release),
        ("PATCH", f"{_IN_PROJECT}/releases/{{release+}}", ("firebaserules.releases.update",), data.update_release),
    ),
    *_rows(
        "firebasestorage",
        ("GET", "/v1alpha/projects/{project}/defaultBucket", ("firebasestorage.defaultBucket.get",), data.default_bucket),
    ),
    *_rows(
        "cloudfunctions",
        ("GET", f"/v1/{_PLACE}/functions", ("cloudfunctions.functions.list",), functions.no_functions),
        ("GET", f"/v2/{_PLACE}/functions", ("cloudfunctions.functions.list",), functions.functions),
        ("POST", f"/v2/{_PLACE}/functions:generateUploadUrl", ("cloudfunctions.functions.sourceCodeSet",), functions.upload_url),
        ("POST", f"/v2/{_PLACE}/functions", ("cloudfunctions.functions.create", _ACT_AS), functions.create_function),
        ("PATCH", f"/v2/{_PLACE}/functions/{{function}}", ("cloudfunctions.functions.update", _ACT_AS), functions.update_function),
        ("GET", f"/v2/{_PLACE}/operations/{{operation}}", ("cloudfunctions.operations.get",), functions.operation),
    ),
    # A signed URL: whoever has it may upload, and no API of the project takes part.
    Row("PUT", "storage.googleapis.com", f"/{functions.UPLOAD_BUCKET}/{{name}}", (), functions.upload_source, api=""),
    *_rows(
        "run",
        ("GET", f"/v1/{_PLACE}/services/{{service}}:getIamPolicy", ("run.services.getIamPolicy",), functions.service_policy),
        ("POST", f"/v1/{_PLACE}/services/{{service}}:setIamPolicy", ("run.services.setIamPolicy",), functions.set_service_policy),
    ),
    *_rows(
        "cloudscheduler",
        ("GET", f"/v1/{_PLACE}/jobs/{{job}}", ("cloudscheduler.jobs.get",), functions.job),
        ("POST", f"/v1/{_PLACE}/jobs", ("cloudscheduler.jobs.create", _ACT_AS), functions.set_job),
        ("PATCH", f"/v1/{_PLACE}/jobs/{{job}}", ("cloudscheduler.jobs.update", _ACT_AS), functions.set_job),
    ),
    *_rows(
        "secretmanager",
        ("GET", f"{_SECRET}/versions/latest", ("secretmanager.versions.get",), functions.secret_version),
        ("GET", f"{_SECRET}:getIamPolicy", ("secretmanager.secrets.getIamPolicy",), functions.secret_policy),
        ("POST", f"{_SECRET}:setIamPolicy", ("secretmanager.secrets.setIamPolicy",), functions.set_secret_policy),
    ),
    *_rows(
        "artifactregistry",
        ("GET", f"/v1/{_PLACE}/repositories/gcf-artifacts", ("artifactregistry.repositories.get",), functions.repository),
        ("PATCH", f"/v1/{_PLACE}/repositories/gcf-artifacts", ("artifactregistry.repositories.update",), functions.set_repository),
    ),
    *_rows(
        "firebasehosting",
        ("GET", _SITE, ("firebasehosting.sites.get",), hosting.site),
        ("POST", f"{_SITE}/versions", ("firebasehosting.sites.update",), hosting.create_version),
        ("POST", f"{_SITE}/versions/{{version}}:populateFiles", ("firebasehosting.sites.update",), hosting.populate_files),
        ("PATCH", f"{_SITE}/versions/{{version}}", ("firebasehosting.sites.update", "run.services.get"), hosting.finalize_version),
        ("POST", f"{_SITE}/channels/live/releases", ("firebasehosting.sites.update",), hosting.create_release),
    ),
    Row("POST", hosting.UPLOAD_HOST, "/upload/sites/{site}/versions/{version}/files/{hash}", ("firebasehosting.sites.update",), hosting.upload_file, api="firebasehosting.googleapis.com"),
)
# fmt: on
