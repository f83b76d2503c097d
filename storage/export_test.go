package storage

// OpenWith is Open with other steps than the migrations.
var OpenWith = open
