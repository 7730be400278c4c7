"""Addresses of the webhooks app."""

from core.routes import api_paths
from webhooks.api import (
    DeliveryListView,
    EndpointListView,
    EndpointView,
    PingView,
    RedeliverView,
    ReplayView,
    RotateSecretView,
)

urlpatterns = [
    *api_paths("webhooks", EndpointListView.as_view(), name="webhooks"),
    *api_paths("webhooks/<id:endpoint_id>", EndpointView.as_view(), name="webhook"),
    *api_paths("webhooks/<id:endpoint_id>/ping", PingView.as_view(), name="webhook-ping"),
    *api_paths(
        "webhooks/<id:endpoint_id>/deliveries",
        DeliveryListView.as_view(),
        name="webhook-deliveries",
    ),
    *api_paths("webhooks/<id:endpoint_id>/replay", ReplayView.as_view(), name="webhook-replay"),
    *api_paths(
        "webhooks/<id:endpoint_id>/rotate-secret",
        RotateSecretView.as_view(),
        name="webhook-rotate-secret",
    ),
    *api_paths(
        "webhooks/deliveries/<uuid:delivery_id>/redeliver",
        RedeliverView.as_view(),
        name="delivery-redeliver",
    ),
]
