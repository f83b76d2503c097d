//go:build linux

// Command torture looks for changes that limn's stream loses, repeats, disorders or shows to the wrong reader.
//
// It starts a real Postgres, a broker if that is the bus, and several instances of limn, lets writers change pages
// through all of them and readers follow and resume, and meanwhile kills, pauses and cuts what it can. A trigger of its own writes down every version
// of every row with its number, in the transaction that made it. At rest it holds against that history
// what was acknowledged, what each reader was sent, in which order and when, and what the API lists.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"
)

// roundLength is how long it goes on between two moments of rest.
const roundLength = time.Minute

func main() {
	beBroker()
	o := options{patience: time.Minute}
	flag.StringVar(&o.limn, "limn", "bin/limn", "the program to torture")
	bus := flag.String("bus", "postgres", "what wakes the instances: postgres or kafka")
	flag.IntVar(&o.instances, "instances", 3, "how many instances of it")
	flag.IntVar(&o.writers, "writers", 32, "how many write")
	flag.IntVar(&o.readers, "readers", 200, "how many read")
	flag.IntVar(&o.pages, "pages", 8, "how many pages they share")
	length := flag.Duration("time", 10*time.Minute, "how long")
	flag.Parse()
	if o.kafka = *bus == "kafka"; !o.kafka && *bus != "postgres" {
		fmt.Fprintln(os.Stderr, "torture: -bus is postgres or kafka")
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	found, err := torture(ctx, o, *length)
	if err != nil {
		fmt.Fprintln(os.Stderr, "torture:", err)
	}
	if err != nil || found > 0 {
		os.Exit(1)
	}
}

// torture goes on for as long as it is told, and returns how many anomalies it found.
func torture(ctx context.Context, o options, length time.Duration) (found int, err error) {
	rig, err := newRig(ctx, o)
	if err != nil {
		return 0, err
	}
	defer rig.close()
	total := newReport()
	end := time.Now().Add(length)
	for n := 1; time.Until(end) > 0 && ctx.Err() == nil; n++ {
		r := rig.newRound()
		if err := r.run(ctx, min(roundLength, time.Until(end)), true); err != nil {
			return 0, err
		}
		fmt.Printf("round %d: %s\n%s", n, r.report.line(), r.report.findings())
		total.add(r.report)
	}
	fmt.Printf("in all:\n%s", total)
	return len(total.anomalies), ctx.Err()
}
