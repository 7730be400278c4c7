"""Addresses of the billing app."""

from django.urls import path

from billing.api import ActivationView, BillingView, PlanListView, StripeEventView
from billing.views import checkout, plans_page
from core.routes import api_paths

urlpatterns = [
    *api_paths("billing/plans", PlanListView.as_view(), name="billing-plans"),
    *api_paths("billing", BillingView.as_view(), name="billing"),
    *api_paths("billing/activate", ActivationView.as_view(), name="billing-activate"),
    path("api/billing/stripe/events", StripeEventView.as_view(), name="stripe-events"),
    path("billing", plans_page, name="plans-page"),
    path("billing/checkout/<str:token>", checkout, name="checkout"),
]
