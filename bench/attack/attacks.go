//go:build linux

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// The attacker's address. limn believes nobody on loopback more than others unless they name another client.
var attackerAddress = &net.TCPAddr{IP: net.IPv4(127, 0, 0, 2)}

// attacks are what one address can do, each by as many at once as it says.
var attacks = []struct {
	name   string
	atOnce int
	do     func(a *attacker)
}{
	{"requests", 32, func(a *attacker) { a.ask("GET", "/highlights?url=https://1.invalid/", "") }},
	{"connections", 32, func(a *attacker) {
		a.http.CloseIdleConnections()
		a.ask("GET", "/highlights?url=https://1.invalid/", "")
	}},
	{"searches", 32, func(a *attacker) { a.ask("GET", "/highlights?limit=200&q=somebody%20thinks", "") }},
	{"exports", 32, func(a *attacker) { a.ask("GET", "/export?format=jsonld", "") }},
	{"sign-ins", 32, func(a *attacker) { a.ask("POST", "/session", `{"name":"Eve","password":"a wrong guess"}`) }},
	{"sign-ups", 32, func(a *attacker) {
		a.ask("POST", "/accounts", fmt.Sprintf(`{"name":"Eve %d","password":"as good as another"}`, time.Now().UnixNano()))
	}},
	{"bodies", 16, func(a *attacker) { a.ask("POST", "/highlights", a.large) }},
	{"deep JSON", 16, func(a *attacker) { a.ask("POST", "/highlights", a.deep) }},
	{"writes", 32, func(a *attacker) {
		a.ask("POST", "/highlights", `{"url":"https://1.invalid/","group":"public","note":"spam"}`)
	}},
	{"streams", 64, func(a *attacker) { a.stream() }},
	{"slow heads", 2000, func(a *attacker) { a.drip("GET /healthz HTTP/1.1\r\nHost: x\r\nX-Slow: ") }},
	{"slow bodies", 2000, func(a *attacker) {
		a.drip("POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
	}},
}

type attacker struct {
	url, token  string
	large, deep string
	dialer      net.Dialer
	http        *http.Client
}

// attack goes on until it is killed. It says so when it has begun.
func attack(name, url string) error {
	a := &attacker{url: url, dialer: net.Dialer{LocalAddr: attackerAddress, Timeout: 10 * time.Second}}
	a.http = &http.Client{Timeout: time.Minute, Transport: &http.Transport{DialContext: a.dialer.DialContext, MaxIdleConnsPerHost: 64}}
	a.large = `{"url":"https://1.invalid/","note":"` + strings.Repeat(`\u00e4`, 4<<20/6-100) + `"}`
	a.deep = `{"url":` + strings.Repeat("[", 4<<20-100)
	if err := a.signUp(); err != nil {
		return err
	}
	fmt.Println("begun")
	for _, kind := range attacks {
		if kind.name != name {
			continue
		}
		for range kind.atOnce {
			go func() {
				for {
					kind.do(a)
				}
			}()
		}
		select {}
	}
	return errors.New("there is no such attack")
}

func (a *attacker) signUp() error {
	response, err := a.http.Post(a.url+"/api/v1/accounts", "application/json", strings.NewReader(fmt.Sprintf(`{"name":"Mallory %d"}`, time.Now().UnixNano())))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	_, rest, _ := strings.Cut(string(answer), `"token":"`)
	a.token, _, _ = strings.Cut(rest, `"`)
	return nil
}

func (a *attacker) ask(method, path, body string) {
	request, err := http.NewRequest(method, a.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		panic(err) // the requests are constants
	}
	request.Header.Set("Authorization", "Bearer "+a.token)
	response, err := a.http.Do(request)
	if err != nil {
		return
	}
	defer response.Body.Close()
	io.Copy(io.Discard, response.Body)
}

// stream opens streams of many pages and holds them for a moment.
func (a *attacker) stream() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, "GET", a.url+"/api/v1/stream?url=https://1.invalid/&url=https://2.invalid/&url=https://3.invalid/", nil)
	if err != nil {
		panic(err)
	}
	response, err := a.http.Do(request)
	if err != nil {
		return
	}
	defer response.Body.Close()
	bufio.NewReader(response.Body).ReadString('\n')
}

// drip sends a request a byte at a time.
func (a *attacker) drip(begin string) {
	conn, err := a.dialer.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
	if err != nil {
		time.Sleep(time.Second)
		return
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, begin); err != nil {
		return
	}
	for {
		time.Sleep(time.Second)
		if _, err := io.WriteString(conn, "x"); err != nil {
			return
		}
	}
}
