package verify

import "time"

var started = time.Now()

// threadTime is the time on the wall, which a busy machine makes longer than the thread's own.
func threadTime() time.Duration { return time.Since(started) }
