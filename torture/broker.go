//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
)

// The topics of limn's bus.
const (
	hintsTopic = "limn"
	feedTopic  = "limn.changes"
)

// A broker speaks the Kafka protocol. It is this program again, as a process of its own, and what it has acknowledged
// is on the disk.
type broker struct{ *process }

// brokerVariable holds, in the environment of a broker, its port and its folder.
const brokerVariable = "LIMN_TORTURE_BROKER"

func newBroker(dir, logName string, unexpected func(state string)) (*broker, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p, err := newProcess(address, logName, unexpected, func() *exec.Cmd {
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), brokerVariable+"="+port+" "+dir)
		return cmd
	})
	return &broker{p}, err
}

// beBroker does not return if this process is to be a broker.
func beBroker() {
	var port int
	var dir string
	if n, _ := fmt.Sscan(os.Getenv(brokerVariable), &port, &dir); n != 2 {
		return
	}
	err := abortTransactions(dir)
	if err == nil {
		var cluster *kfake.Cluster
		if cluster, err = serve(dir, port); err == nil {
			fmt.Println(cluster.ListenAddrs())
			select {}
		}
	}
	fmt.Fprintln(os.Stderr, "torture:", err)
	os.Exit(1)
}

// serve opens what a folder holds at a port; 0: at any.
func serve(dir string, port int) (*kfake.Cluster, error) {
	return kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir), kfake.SyncWrites(), kfake.DefaultNumPartitions(3))
}

// abortTransactions ends those that a killed broker had under way, before anybody reads. kfake takes them for aborted,
// and does not write so into the log as Kafka does (KIP-98): whoever reads past one at once would take what the same
// producer commits after it for aborted, too.
func abortTransactions(dir string) error {
	cluster, err := serve(dir, 0)
	if err != nil {
		return err
	}
	defer cluster.Close()
	client, err := kgo.NewClient(kgo.SeedBrokers(cluster.ListenAddrs()...))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
	defer cancel()
	admin := kadm.NewClient(client)
	transactions, err := admin.DescribeTransactions(ctx)
	if err != nil || len(transactions) == 0 {
		return err
	}
	topics, err := admin.ListTopics(ctx, feedTopic)
	if err != nil {
		return err
	}
	var markers []kadm.TxnMarkers
	for _, t := range transactions {
		markers = append(markers, kadm.TxnMarkers{ProducerID: t.ProducerID, ProducerEpoch: t.ProducerEpoch, Topics: topics.TopicsSet()})
	}
	written, err := admin.WriteTxnMarkers(ctx, markers...)
	written.EachPartition(func(r kadm.TxnMarkersPartitionResponse) { err = errors.Join(err, r.Err) })
	return err
}

func (b *broker) url() string { return "kafka://" + b.address + "/" + hintsTopic }

// repeatHints writes a hundred hints again that were there before, in another order.
func (b *broker) repeatHints(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.address), kgo.ConsumeTopics(hintsTopic))
	if err != nil {
		return err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, hintsTopic)
	if err != nil {
		return err
	}
	some := int64(0)
	ends.Each(func(o kadm.ListedOffset) { some += o.Offset })
	var records []*kgo.Record
	for len(records) < int(min(some, 100)) {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err0(); err != nil {
			return err
		}
		fetches.EachRecord(func(r *kgo.Record) {
			records = append(records, &kgo.Record{Topic: hintsTopic, Key: r.Key, Value: r.Value})
		})
	}
	rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
	return client.ProduceSync(ctx, records...).FirstErr()
}

// brokerPause is longer than limn waits for an answer.
const brokerPause = 6 * time.Second
