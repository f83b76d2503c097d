package storage

// OpenWith is Open with other steps than the migrations.
var OpenWith = open

// SweepLock is the lock of whoever sweeps.
const SweepLock int64 = sweepLock
