"""The programme office: programme, application, voucher, redemption, subsidy award."""
