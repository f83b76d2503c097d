package server

import (
	"context"
	"sync"
	"time"
)

// eraseEvery is how late something is erased whose server stopped meanwhile.
const eraseEvery = 10 * time.Minute

// Run does what no request waits for until ctx ends: it erases what deleted groups and accounts have left and files that
// never arrived, sweeps what has become old, tells webhooks what changes, sees to it that it can be searched for, and counts
// what is marked most for who comes to the start. In the end it ends the
// streams of what is popular.
func (s *Server) Run(ctx context.Context) {
	defer close(s.ending)
	var all sync.WaitGroup
	all.Go(func() { s.eraseLeft(ctx) })
	all.Go(func() { s.fillSearch(ctx) })
	all.Go(func() { s.keepPopular(ctx) })
	all.Go(func() { s.webhooks.Run(ctx) })
	all.Wait()
}

func (s *Server) eraseLeft(ctx context.Context) {
	for {
		if err := s.store.EraseLeft(ctx, s.hub.Changed); err != nil && ctx.Err() == nil {
			s.log.Warn("what was deleted cannot be erased yet", "error", err)
		}
		if err := s.store.SweepAttachments(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("files that did not arrive cannot be swept yet", "error", err)
		}
		if s.config.Retention > 0 {
			if err := s.store.Sweep(ctx, s.config.Retention); err != nil && ctx.Err() == nil {
				s.log.Warn("what is old cannot be swept yet", "error", err)
			}
		}
		select {
		case <-s.left:
		case <-time.After(eraseEvery):
		case <-ctx.Done():
			return
		}
	}
}

// eraseSoon has Run look for what is to be erased.
func (s *Server) eraseSoon() {
	select {
	case s.left <- struct{}{}:
	default: // it is about to look
	}
}
