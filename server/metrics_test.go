package server_test

import (
	"bufio"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// metrics are what a service says at /metrics: the text, and the number of each series.
func (s service) metrics() (text string, numbers map[string]float64) {
	s.t.Helper()
	response, err := http.Get(s.url + "/metrics")
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	read, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		s.t.Fatalf("/metrics: answered %d, %v", response.StatusCode, err)
	}
	numbers = map[string]float64{}
	for lines := bufio.NewScanner(strings.NewReader(string(read))); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), " ")
		if number, err := strconv.ParseFloat(value, 64); err == nil {
			numbers[name] = number
		}
	}
	return string(read), numbers
}

// Metrics count what happens, by route, and name nobody.
func TestMetricsCountWhatHappens(t *testing.T) {
	s := startService(t)
	ada := s.signUp("Ada Lovelace")
	const page = "https://secret.example.org/plans"
	reader := s.anonymous().follow("/stream?url=" + page)
	reader.until("live")
	created := ada.do("POST", "/highlights", `{"url":"`+page+`","group":"public"}`).is(http.StatusCreated)
	reader.until("highlight")
	ada.do("GET", "/highlights/"+created.text("id"), "").is(http.StatusOK)
	http.Get(s.url + "/made/up")

	text, numbers := s.metrics()
	for series, want := range map[string]float64{
		`limn_viewers`:                              1,
		`limn_pages_read`:                           1,
		`limn_streams_opened_total`:                 1,
		`limn_catch_ups_total{from="beginning"}`:    1,
		`limn_streams_ended_total{reason="slow"}`:   0,
		`limn_hints_received_total{kind="changes"}`: 0,
		`limn_changes_found_by_comparing_total`:     0,
		`limn_http_requests_total{method="POST",route="/api/v1/highlights",status="201"}`:    1,
		`limn_http_requests_total{method="GET",route="/api/v1/highlights/:id",status="200"}`: 1,
		`limn_http_requests_total{method="any",route="none",status="404"}`:                   1,
		`limn_http_request_seconds_count{route="/api/v1/stream"}`:                            1,
	} {
		if got, there := numbers[series]; !there || got != want {
			t.Errorf("%s is %v (%v), want %v", series, got, there, want)
		}
	}
	if numbers["limn_deliveries_total"] < 1 {
		t.Errorf("%v deliveries", numbers["limn_deliveries_total"])
	}
	for _, private := range []string{"secret", "Ada", ada.token, created.text("id"), created.text("page.id")} {
		if strings.Contains(text, private) {
			t.Errorf("the metrics name %q", private)
		}
	}

	reader.end()
	eventually(t, func() bool {
		_, numbers := s.metrics()
		return numbers[`limn_streams_ended_total{reason="hung_up"}`] == 1 && numbers["limn_viewers"] == 0
	})
}
