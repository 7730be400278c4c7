"""Who takes payments: nobody (`open`) or Stripe, behind one Protocol."""
