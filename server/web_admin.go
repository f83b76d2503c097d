package server

import (
	"net/http"
	"time"

	"github.com/gin-gonic/gin"

	"limn/storage"
	"limn/xpath"
)

// An adminView is how the server does.
type adminView struct {
	storage.Overview
	Version string
	Took    time.Duration // the database, to answer a ping
	Up      time.Duration
}

// A checkCount is how many highlights stand in some way.
type checkCount struct {
	Words string
	Count int64
}

// Checks are all ways in which highlights stand.
func (a adminView) Checks() (counts []checkCount) {
	for _, state := range checkStates {
		counts = append(counts, checkCount{foundStates[xpath.State(state)], a.States[xpath.State(state)]})
	}
	return counts
}

// Total is how many highlights there are.
func (a adminView) Total() (total int64) {
	for _, n := range a.States {
		total += n
	}
	return total
}

// Viewers are the streams of all instances.
func (a adminView) Viewers() (streams int64) {
	for _, i := range a.Running {
		streams += i.Streams
	}
	return streams
}

// viewAdmin is for operators; for everybody else there is no such page.
func (s *Server) viewAdmin(c *gin.Context) error {
	if !readerOf(c).Operator {
		return storage.ErrNotFound
	}
	began := time.Now()
	if err := s.store.Ping(c); err != nil {
		return err
	}
	body := adminView{Version: s.config.Version, Took: time.Since(began), Up: time.Since(s.began)}
	var err error
	if body.Overview, err = s.store.GetOverview(c); err != nil {
		return err
	}
	return s.show(c, http.StatusOK, "admin", view{Title: "How the server does", Body: body})
}
