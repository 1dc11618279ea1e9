"""Names of the Elastic Common Schema as aliases of a source's own fields. No byte is copied: an alias is a
word.

Where several sources of one name are present, the first of the list is taken.
"""

from collections.abc import Sequence

from evidence.formats.plan import Column

# ECS name → own names, in lower case.
ALIASES: dict[str, tuple[str, ...]] = {
    "source.ip": (
        "requester_ip_address", "sourceipaddress", "clienthost", "client_ip", "clientip", "callerip",
        "calleripaddress", "httprequest.remoteip", "httprequest.clientipaddress", "requestmetadata.callerip",
        "protopayload.requestmetadata.callerip", "c-ip", "x-forwarded-for", "remote_addr", "remote_ip", "src_ip",
        "ip_address", "ip", "client.ip", "actoripaddress",
    ),
    "source.port": ("clientport", "client_port", "c-port", "remote_port", "src_port"),
    "source.geo.country_iso_code": ("geo", "country", "country_code"),
    "destination.ip": ("s-ip", "dst_ip", "server_ip"),
    "destination.port": ("s-port", "dst_port", "server_port"),
    "url.domain": ("requesthost", "cs-host", ":authority", "authority", "host_header"),
    "url.path": (
        "endpoint", "requestpath", "cs-uri-stem", "x-envoy-origin-path", "path", "uri", "request_uri",
        "httprequest.uri", "route", "call_type",
    ),
    "url.query": ("cs-uri-query", "query_string", "querystring"),
    "url.original": ("httprequest.requesturl", "url", "request_url"),
    "http.request.method": (
        "requestmethod", "cs-method", "method", "http_method", "httprequest.requestmethod", "httprequest.method",
    ),
    "http.request.referrer": ("cs(referer)", "referer", "referrer", "httprequest.referer", "http_referer"),
    "http.response.status_code": (
        "downstreamstatus", "sc-status", "response_code", "status_code", "statuscode", "httprequest.status",
        "http_status", "response_status", "status",
    ),
    "http.response.body.bytes": ("downstreamcontentsize", "bytes_sent", "sc-bytes", "body_bytes_sent",
        "httprequest.responsesize", "response_bytes"),
    "http.request.body.bytes": ("requestcontentsize", "bytes_received", "cs-bytes", "httprequest.requestsize"),
    "user_agent.original": (
        "user_agent", "useragent", "request_user-agent", "user-agent", "cs(user-agent)", "http_user_agent",
        "protopayload.requestmetadata.callersupplieduseragent", "httprequest.useragent", "metadata.user_agent",
    ),
    "user.id": (
        "account_id", "user_id", "userid", "useridentity.principalid", "userkey", "user", "metadata.user_api_key_user_id",
        "end_user", "identity.claims.oid", "caller",
    ),
    "user.name": (
        "useridentity.username", "username", "user_name", "clientusername", "cs-username",
        "protopayload.authenticationinfo.principalemail", "caller", "userid",
    ),
    "user.email": ("email", "user_email", "protopayload.authenticationinfo.principalemail"),
    "organization.id": ("org_id", "organizationid", "organization", "organization_id", "tenantid"),
    "event.id": ("eventid", "request_id", "requestid", "insertid", "correlationid", "id"),
    "event.action": (
        "eventname", "operation", "operationname", "operationname.value", "protopayload.methodname", "action",
        "event_name", "methodname",
    ),
    "event.provider": (
        "eventsource", "workload", "protopayload.servicename", "resourceprovidername.value", "resourceprovider",
        "custom_llm_provider", "provider",
    ),
    "event.outcome": ("resultstatus", "resulttype", "outcome", "status.value"),
    "error.code": ("errorcode", "error_code", "protopayload.status.code"),
    "error.message": ("errormessage", "error_message", "exception", "protopayload.status.message"),
    "cloud.region": ("awsregion", "region", "location", "resource.labels.location", "resourcelocation"),
    "cloud.account.id": (
        "recipientaccountid", "useridentity.accountid", "subscriptionid", "subscription_id",
        "resource.labels.project_id", "aws_account_id",
    ),
    "gen_ai.request.model": (
        "requestparameters.modelid", "model", "model_id", "modelid", "model_name", "properties.modelname",
        "body.model", "request.model",
    ),
    "gen_ai.request.max_tokens": ("max_tokens", "max_completion_tokens", "request.max_tokens"),
    "gen_ai.request.temperature": ("temperature", "request.temperature"),
    "gen_ai.usage.input_tokens": (
        "prompt_tokens", "usage.prompt_tokens", "usage.input_tokens", "input_tokens", "response.usage.prompt_tokens",
        "input.inputtokencount", "additionaleventdata.inputtokens",
    ),
    "gen_ai.usage.output_tokens": (
        "completion_tokens", "usage.completion_tokens", "usage.output_tokens", "output_tokens",
        "response.usage.completion_tokens", "output.outputtokencount", "additionaleventdata.outputtokens",
    ),
    "host.name": ("hostname", "host", "computer", "computername", "host_name", "s-computername", "display_name"),
}  # fmt: skip

MESSAGES = (
    "message",
    "msg",
    "prompt",
    "textpayload",
    "event_message",
    "log",
    "body",
    "request",
    "eventname",
    "operation",
)


def aliases(columns: Sequence[Column]) -> dict[str, str]:
    """ECS name → column, for the columns whose meaning is known by name. A column's own name is never
    overshadowed.
    """
    own = {column.name.lower(): column for column in columns}
    found = {}
    for name, sources in ALIASES.items():
        if name in own:
            continue
        for source in sources:
            column = own.get(source)
            if column is not None and not (
                name.endswith(("status_code", "_tokens")) and column.type != "BIGINT"
            ):
                found[name] = column.name
                break
    return found


def message(columns: Sequence[Column]) -> str | None:
    """The column that best stands for the whole record in a list."""
    own = {column.name.lower(): column.name for column in columns if column.type == "VARCHAR"}
    return next((own[name] for name in MESSAGES if name in own), None)
