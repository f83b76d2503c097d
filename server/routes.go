package server

import (
	"net/http"
	"slices"
	"strings"

	"github.com/gin-gonic/gin"
)

const apiBase = "/api/v1"

// A route is one line of the API. Its path is as in openapi.yaml, with {name} for a parameter.
type route struct {
	method, path string
	needs        need
	handle       func(*gin.Context) error
}

// A need is what a request has to bring.
type need int

const (
	nothing   need = iota
	anyToken       // one that stands for somebody, whatever it is for
	account        // one that may read, or write if the request changes something
	queueable      // the same; and it may be one of the operations that a client had queued
	personal       // one that may change the account itself
)

func (s *Server) routes() []route {
	return []route{
		{http.MethodPost, "/accounts", nothing, s.createAccount},
		{http.MethodPost, "/session", nothing, s.createSession},
		{http.MethodDelete, "/session", anyToken, s.deleteSession},
		{http.MethodPost, "/session/code", nothing, s.redeemCode},
		{http.MethodGet, "/me", anyToken, s.getMe},
		{http.MethodPatch, "/me", personal, s.updateMe},
		{http.MethodDelete, "/me", personal, s.deleteMe},
		{http.MethodGet, "/me/export", personal, s.exportMe},
		{http.MethodGet, "/tokens", personal, s.listTokens},
		{http.MethodPost, "/tokens", personal, s.createToken},
		{http.MethodDelete, "/tokens/{id}", personal, s.deleteToken},

		{http.MethodGet, "/webhooks", personal, s.listWebhooks},
		{http.MethodPost, "/webhooks", personal, s.createWebhook},
		{http.MethodDelete, "/webhooks/{id}", personal, s.deleteWebhook},
		{http.MethodPost, "/webhooks/{id}/ping", personal, s.pingWebhook},
		{http.MethodGet, "/webhooks/{id}/deliveries", personal, listUnder(s.store.ListDeliveries)},

		{http.MethodGet, "/groups", nothing, s.listGroups},
		{http.MethodPost, "/groups", account, s.createGroup},
		{http.MethodGet, "/groups/{id}", nothing, s.getGroup},
		{http.MethodPatch, "/groups/{id}", account, s.updateGroup},
		{http.MethodDelete, "/groups/{id}", account, s.deleteGroup},
		{http.MethodGet, "/groups/{id}/members", nothing, listUnder(s.store.ListMembers)},
		{http.MethodPut, "/groups/{id}/members/{account}", account, s.putMember},
		{http.MethodDelete, "/groups/{id}/members/{account}", account, s.deleteMember},
		{http.MethodGet, "/groups/{id}/invites", account, listUnder(s.store.ListInvites)},
		{http.MethodPost, "/groups/{id}/invites", account, s.createInvite},
		{http.MethodGet, "/groups/{id}/flags", account, listUnder(s.store.ListFlags)},
		{http.MethodGet, "/groups/{id}/log", account, listUnder(s.store.ListLog)},
		{http.MethodDelete, "/invites/{id}", account, s.deleteInvite},
		{http.MethodPost, "/invites/{code}/accept", account, s.acceptInvite},

		{http.MethodPost, "/highlights", queueable, s.createHighlight},
		{http.MethodGet, "/highlights", nothing, s.listHighlights},
		{http.MethodGet, "/highlights/{id}", nothing, s.getHighlight},
		{http.MethodPatch, "/highlights/{id}", queueable, s.updateHighlight},
		{http.MethodDelete, "/highlights/{id}", queueable, s.deleteHighlight},
		{http.MethodPost, "/highlights/{id}/reanchor", queueable, s.reanchorHighlight},
		{http.MethodPost, "/highlights/{id}/flags", account, s.flagHighlight},
		{http.MethodDelete, "/highlights/{id}/flags", account, s.deleteFlags},
		{http.MethodPut, "/highlights/{id}/hidden", account, s.hideHighlight},
		{http.MethodDelete, "/highlights/{id}/hidden", account, s.showHighlight},
		{http.MethodGet, "/highlights/{id}/history", nothing, listUnder(s.store.ListHistory)},

		{http.MethodPost, "/highlights/{id}/replies", queueable, s.createReply},
		{http.MethodGet, "/highlights/{id}/replies", nothing, listUnder(s.store.ListReplies)},
		{http.MethodPatch, "/replies/{id}", queueable, s.updateReply},
		{http.MethodDelete, "/replies/{id}", queueable, s.deleteReply},

		{http.MethodPost, "/highlights/{id}/attachments", account, s.attachToHighlight},
		{http.MethodPost, "/replies/{id}/attachments", account, s.attachToReply},
		{http.MethodGet, "/attachments/{id}", nothing, s.getAttachment},
		{http.MethodDelete, "/attachments/{id}", account, s.deleteAttachment},

		{http.MethodPost, "/operations", account, s.doOperations},

		{http.MethodGet, "/pages", nothing, s.findPage},
		{http.MethodGet, "/pages/{id}", nothing, s.getPage},
		{http.MethodPost, "/pages/{id}/check", account, s.checkPage},
		{http.MethodGet, "/pages/near/{prefix}", nothing, s.listPagesNear},
		{http.MethodPost, "/verify", nothing, s.verify},

		{http.MethodGet, "/stream", nothing, s.stream},
		{http.MethodGet, "/popular", nothing, s.getPopular},
		{http.MethodGet, "/popular/stream", nothing, s.streamPopular},
		{http.MethodGet, "/export", nothing, s.export},
		{http.MethodPost, "/import", account, s.takeIn},
	}
}

// pages are what the server shows people, rather than programs: in the same form, but none of them is described in openapi.yaml.
func (s *Server) pages() []route {
	return []route{
		{http.MethodGet, "/", nothing, s.viewHome},

		{http.MethodGet, "/p/{id}", nothing, s.viewPage},
		{http.MethodPost, "/p/{id}/notes", account, filled(s.writeOnPage)},

		{http.MethodGet, "/h/{id}", nothing, s.viewHighlight},
		{http.MethodGet, "/h/{id}/open", nothing, s.openHighlight},
		{http.MethodPost, "/h/{id}/note", account, s.formOf(s.editOnPage)},
		{http.MethodPost, "/h/{id}/replies", account, s.formOf(s.replyOnPage)},
		{http.MethodPost, "/h/{id}/replies/{reply}/delete", account, s.formOf(s.deleteReplyOnPage)},
		{http.MethodPost, "/h/{id}/flags", account, s.formOf(s.flagOnPage)},
		{http.MethodPost, "/h/{id}/flags/delete", account, s.formOf(s.unflagOnPage)},
		{http.MethodPost, "/h/{id}/hidden", account, s.formOf(s.hideOnPage)},
		{http.MethodPost, "/h/{id}/delete", account, filled(s.deleteOnPage)},

		{http.MethodGet, "/search", nothing, s.search},

		{http.MethodGet, "/docs", nothing, s.viewDocs},
		{http.MethodGet, "/docs/{page}", nothing, s.viewDocs},
		{http.MethodGet, "/docs/adr/{page}", nothing, s.viewDocs},

		{http.MethodGet, "/join", nothing, s.viewJoin},
		{http.MethodGet, "/groups", nothing, s.viewGroups},
		{http.MethodPost, "/groups", account, filled(s.beginGroup)},
		{http.MethodGet, "/groups/{id}", nothing, s.viewGroup},
		{http.MethodPost, "/groups/{id}", account, s.groupForm(s.editGroup)},
		{http.MethodPost, "/groups/{id}/delete", account, s.groupForm(s.endGroup)},
		{http.MethodPost, "/groups/{id}/join", account, s.groupForm(s.joinGroup)},
		{http.MethodPost, "/groups/{id}/members/{account}", account, s.groupForm(s.changeMember)},
		{http.MethodPost, "/groups/{id}/invites", account, filled(s.invite)},
		{http.MethodPost, "/groups/{id}/invites/{invite}/revoke", account, s.groupForm(s.revokeInvite)},

		{http.MethodGet, "/account", personal, s.viewAccount},
		{http.MethodPost, "/account/name", personal, s.accountForm(s.renameOnPage)},
		{http.MethodPost, "/account/password", personal, s.accountForm(s.setPasswordOnPage)},
		{http.MethodPost, "/account/sessions/{id}/end", personal, s.accountForm(s.endSessionOnPage)},
		{http.MethodPost, "/account/delete", personal, filled(s.deleteAccountOnPage)},
		{http.MethodGet, "/account/tokens", personal, s.viewTokens},
		{http.MethodPost, "/account/tokens", personal, filled(s.makeToken)},
		{http.MethodPost, "/account/tokens/{id}/revoke", personal, filled(s.revokeToken)},
		{http.MethodPost, "/account/webhooks/{id}/try", personal, filled(s.tryWebhook)},
		{http.MethodPost, "/account/webhooks/{id}/delete", personal, filled(s.endWebhook)},
		{http.MethodGet, "/account/data", personal, s.viewData},
		{http.MethodPost, "/account/data/import", personal, s.takeInOnPage},
		{http.MethodGet, "/admin", personal, s.viewAdmin},
	}
}

// unhurried are the routes that last as long as the client takes to read or to send.
var unhurried = []string{"/stream", "/popular/stream", "/export", "/import", "/me/export", "/account/data/import", "/highlights/{id}/attachments", "/replies/{id}/attachments", "/attachments/{id}"}

func (s *Server) addRoutes(engine *gin.Engine) {
	api := engine.Group(apiBase, s.limitRequests, s.takeTurns, s.authenticate, s.limitPeople)
	for _, r := range s.routes() {
		handle := r.admit(r.handle)
		if !slices.Contains(unhurried, r.path) {
			handle = inTime(handle)
		}
		api.Handle(r.method, ginPath(r.path), s.handle(handle))
	}

	pages := engine.Group("", s.limitRequests, s.takeTurns, s.authenticate, s.limitPeople)
	for _, r := range s.pages() {
		handle := r.admit(r.handle)
		if !slices.Contains(unhurried, r.path) {
			handle = inTime(handle)
		}
		pages.Handle(r.method, ginPath(r.path), s.handle(handle))
		if r.method == http.MethodGet {
			pages.HEAD(ginPath(r.path), s.handle(handle))
		}
	}
	annotations := engine.Group("", s.limitRequests, s.takeTurns, s.authenticate, s.limitPeople)
	for _, r := range s.annotationRoutes() {
		annotations.Handle(r.method, ginPath(r.path), s.handle(inTime(r.admit(r.handle))))
	}

	for _, method := range []string{http.MethodGet, http.MethodHead} { // which monitors like to use
		engine.Handle(method, "/healthz", func(c *gin.Context) { c.String(http.StatusOK, "ok\n") })
		engine.Handle(method, "/readyz", s.handle(s.ready))
	}
	engine.GET("/embed.js", s.handle(s.getEmbed))
	engine.GET("/extension/:file", s.handle(s.getExtension))
	s.addSignIn(engine)
	s.web.addRoutes(engine)
}

// ginPath writes a path as Gin wants it.
func ginPath(path string) string {
	return strings.NewReplacer("{", ":", "}", "").Replace(path)
}
