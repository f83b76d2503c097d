package server

import (
	"context"
	"time"
)

// fillEvery is how late something can be found, unless there is much; whoever searches before fills it in themselves.
const fillEvery = time.Second

// fillSearch takes what changes into what is searched until ctx ends.
func (s *Server) fillSearch(ctx context.Context) {
	tick := time.NewTicker(fillEvery)
	defer tick.Stop()
	for ctx.Err() == nil {
		more, err := s.store.FillSearch(ctx)
		if err != nil && ctx.Err() == nil {
			s.log.Warn("what has changed cannot be searched for yet", "error", err)
		}
		if more && err == nil {
			continue
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
		}
	}
}
