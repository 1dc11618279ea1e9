"""The map of the pages."""

from django.urls import path

from web.views import cases, custody, entry, erasure, evidence, export, keys, ledger, proof, search, upload

urlpatterns = [
    path("", cases.case_list, name="cases"),
    path("cases/new", cases.case_new, name="case_new"),
    path("keys", keys.keys, name="keys"),
    path("keys/new", keys.key_new, name="key_new"),
    path("keys/register", keys.key_register, name="key_register"),
    path("keys/signatures", keys.signatures_required, name="signatures_required"),
    path("keys/<str:key>/revoke", keys.key_revoke, name="key_revoke"),
    path("cases/<str:reference>", cases.case_overview, name="case"),
    path("cases/<str:reference>/revise", cases.case_revise, name="case_revise"),
    path("cases/<str:reference>/steps/<str:name>", cases.case_step, name="case_step"),
    path("cases/<str:reference>/evidence", evidence.evidence_list, name="evidence"),
    path("cases/<str:reference>/evidence/add", upload.evidence_add, name="evidence_add"),
    path("cases/<str:reference>/evidence/<str:label>", evidence.item_page, name="item"),
    path("cases/<str:reference>/evidence/<str:label>/state", evidence.item_state, name="item_state"),
    path("cases/<str:reference>/evidence/<str:label>/share", evidence.item_share, name="item_share"),
    path("cases/<str:reference>/evidence/<str:label>/download", evidence.item_download, name="item_download"),
    path("cases/<str:reference>/evidence/<str:label>/records/<int:line>", search.record, name="record"),
    path("cases/<str:reference>/search", search.search, name="search"),
    path("cases/<str:reference>/custody", custody.custody, name="custody"),
    path("cases/<str:reference>/ledger", ledger.entries, name="ledger"),
    path("cases/<str:reference>/ledger/export", export.ledger_export, name="ledger_export"),
    path("cases/<str:reference>/ledger/policy", proof.ledger_policy, name="ledger_policy"),
    path("cases/<str:reference>/ledger/<int:index>", entry.entry, name="entry"),
    path("cases/<str:reference>/ledger/<int:index>/erase", erasure.entry_erase, name="entry_erase"),
    path("cases/<str:reference>/ledger/<int:index>/proof", proof.entry_proof, name="entry_proof"),
]
