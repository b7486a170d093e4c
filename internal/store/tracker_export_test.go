package store

// ExpiringQuery is what Tracker.Expiring asks.
const ExpiringQuery = expiringQuery
