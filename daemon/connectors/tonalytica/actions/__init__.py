"""What TONalytica can be asked to do, one file a family: executions, queries, any request."""
