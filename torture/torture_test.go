//go:build linux

package main

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// limn is the program under test, built once for this package.
var limn string

func TestMain(m *testing.M) {
	beBroker()
	dir, err := os.MkdirTemp("", "limn-torture-build-")
	if err != nil {
		panic(err)
	}
	limn = filepath.Join(dir, "limn")
	if out, err := exec.Command("go", "build", "-o", limn, "limn").CombinedOutput(); err != nil {
		panic(string(out))
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// startRig starts what is tortured, for as long as the test lasts.
func startRig(t *testing.T, o options) *rig {
	t.Helper()
	o.limn = limn
	r, err := newRig(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	return r
}

// Whatever happens to the instances, their connections and the database: nothing is lost, repeated, disordered or shown
// to whom it does not concern. Every fault happens once.
func TestFaultsLoseNothing(t *testing.T) {
	survive(t, options{faults: faultsOf(false)}, 20*time.Second)
}

// Nor is it when the bus is Kafka, and is what happens to; who reads the feed has what anybody may read.
func TestFaultsOfKafkaLoseNothing(t *testing.T) {
	survive(t, options{kafka: true, faults: kafkaFaults[:3]}, 12*time.Second)
}

func survive(t *testing.T, o options, length time.Duration) {
	t.Helper()
	o.instances, o.writers, o.readers, o.pages, o.patience = 2, 8, 40, 3, time.Minute
	rig := startRig(t, o)
	r := rig.newRound()

	err := r.run(t.Context(), length, true)

	t.Log(r.report)
	if err != nil || len(r.report.anomalies) > 0 {
		t.Errorf("%d anomalies, %v", len(r.report.anomalies), err)
	}
	for _, f := range o.faults {
		if r.report.counts["fault: "+f.name] == 0 {
			t.Errorf("it never happened that %s", f.name)
		}
	}
}
