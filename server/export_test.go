package server

// PageRoutes are the methods and paths of the pages that people see.
func PageRoutes() (names []string) {
	for _, r := range (&Server{}).pages() {
		names = append(names, r.method+" "+r.path)
	}
	return names
}
