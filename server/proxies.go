package server

import (
	"net/netip"
	"slices"

	"github.com/gin-gonic/gin"
)

// ownProxies are on this machine, and believed about who the client is without being named.
var ownProxies = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// believe has those proxies name the client, and nobody else.
func (s *Server) believe(engine *gin.Engine, proxies []netip.Prefix) error {
	s.proxies = append(slices.Clone(ownProxies), proxies...)
	var named []string
	for _, network := range s.proxies {
		named = append(named, network.String())
	}
	return engine.SetTrustedProxies(named)
}

// noticeProxies tells who runs the server, once, that somebody names a client and is not believed. If that is their proxy,
// all who come through it share the limits of one address.
func (s *Server) noticeProxies(c *gin.Context) {
	if !s.limits.on || s.noticed.Load() || c.GetHeader("X-Forwarded-For") == "" && c.GetHeader("X-Real-IP") == "" && c.GetHeader("Forwarded") == "" {
		return
	}
	peer, err := netip.ParseAddr(c.RemoteIP())
	believed := slices.ContainsFunc(s.proxies, func(network netip.Prefix) bool { return network.Contains(peer.Unmap()) })
	if err != nil || believed || s.noticed.Swap(true) {
		return
	}
	s.log.Warn("a request names another client than who sent it, and is not believed: if it came through a proxy of yours, " +
		"set LIMN_TRUSTED_PROXIES to its address, or all who come through it share the limits of one address")
}
