"""The treasury's addresses under /api/v1/, and those of the ledger it keeps."""

from rest_framework.routers import SimpleRouter

from treasury.api import books, budgets, payables, payouts

router = SimpleRouter(trailing_slash=False)
router.register("funding-sources", budgets.FundingSourceViewSet)
router.register("envelopes", budgets.EnvelopeViewSet)
router.register("appropriations", budgets.AppropriationViewSet)
router.register("payables", payables.PayableViewSet)
router.register("bank-accounts", payables.BankAccountViewSet)
router.register("payout-batches", payouts.PayoutBatchViewSet)
router.register("payout-items", payouts.PayoutItemViewSet)
router.register("books", books.BookViewSet)
router.register("accounts", books.AccountViewSet)
router.register("transfers", books.TransferViewSet)

urlpatterns = router.urls
