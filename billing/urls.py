"""Addresses of the billing app."""

from django.urls import path

from billing.api import ActivationView, BillingView, PlanListView
from billing.views import plans_page
from core.routes import api_paths

urlpatterns = [
    *api_paths("billing/plans", PlanListView.as_view(), name="billing-plans"),
    *api_paths("billing", BillingView.as_view(), name="billing"),
    *api_paths("billing/activate", ActivationView.as_view(), name="billing-activate"),
    path("billing", plans_page, name="plans-page"),
]
