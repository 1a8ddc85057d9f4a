"""The treasury's addresses under /api/v1/, and those of the ledger it keeps."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from treasury.api import adjustments, bank, books, budgets, payables, payouts, recoveries

router = SimpleRouter(trailing_slash=False)
router.register("funding-sources", budgets.FundingSourceViewSet)
router.register("envelopes", budgets.EnvelopeViewSet)
router.register("appropriations", budgets.AppropriationViewSet)
router.register("tranches", adjustments.TrancheViewSet)
router.register("adjustments", adjustments.AdjustmentViewSet)
router.register("payables", payables.PayableViewSet)
router.register("bank-accounts", payables.BankAccountViewSet)
router.register("payout-batches", payouts.PayoutBatchViewSet)
router.register("payout-items", payouts.PayoutItemViewSet)
router.register("bank-enquiries", bank.BankEnquiryViewSet)
router.register("suspense-entries", bank.SuspenseViewSet)
router.register("recovery-cases", recoveries.RecoveryViewSet)
router.register("write-offs", recoveries.WriteOffViewSet)
router.register("books", books.BookViewSet)
router.register("accounts", books.AccountViewSet)
router.register("transfers", books.TransferViewSet)

urlpatterns = [
    path("bank-notices", bank.BankNoticeView.as_view(), name="bank-notices"),
    *router.urls,
]
