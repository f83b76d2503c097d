package server

import (
	"encoding/json"
	"fmt"
	"html/template"
	"maps"
	"path"
	"slices"
	"strings"
)

// A Command is one that limn knows on the command line.
type Command struct {
	Name, Help string
	Usage      string // with its arguments
	Options    []Option
}

// An Option is an argument or a flag of a command.
type Option struct {
	Name, Help, Default string
}

// A Setting is what the environment decides.
type Setting struct {
	Names   []string
	Default string // in Markdown, as Text is
	Text    string
}

// reference makes those pages of the docs that nobody writes: what the program itself knows.
func (d *docs) reference(description []byte, manual Manual) error {
	api, err := readDescription(description)
	if err != nil {
		return err
	}
	pages, err := template.New("").Funcs(template.FuncMap{
		"markdown": markdown, "operations": api.operationsOf, "parameter": api.parameter, "response": api.response, "kind": schema.kind,
	}).ParseFS(files, "templates/reference.html")
	if err != nil {
		return fmt.Errorf("read the reference: %w", err)
	}
	sections := func(names ...string) (list []heading) {
		for _, name := range names {
			list = append(list, heading{name, name})
		}
		return list
	}
	var tags, commands []string
	for _, tag := range api.Tags {
		tags = append(tags, tag.Name)
	}
	for _, c := range manual.Commands {
		commands = append(commands, c.Name)
	}
	for _, page := range []struct {
		path, template, title string
		headings              []heading
		about                 any
	}{
		{"/docs/api", "api", "The API", sections(append(tags, "Shapes", "Errors")...), map[string]any{"API": api, "Base": apiBase, "Problems": problemCodes()}},
		{"/docs/settings", "settings", "Settings", nil, manual.Settings},
		{"/docs/commands", "commands", "Commands", sections(commands...), manual.Commands},
	} {
		var html strings.Builder
		if err := pages.ExecuteTemplate(&html, page.template, page.about); err != nil {
			return fmt.Errorf("write the reference: %w", err)
		}
		d.documents[page.path] = document{page.title, template.HTML(html.String()), page.headings}
	}
	return nil
}

// A description is what the docs show of openapi.yaml.
type description struct {
	Info       struct{ Description string }
	Tags       []struct{ Name, Description string }
	Paths      map[string]map[string]operation
	Components struct {
		Parameters map[string]parameter
		Responses  map[string]response
		Schemas    map[string]schema
	}
}

type operation struct {
	Method, Path         string // set by readDescription
	Tags                 []string
	Summary, Description string
	Parameters           []parameter
	Security             []map[string][]string
	RequestBody          struct{ Content content }
	Responses            map[string]response
}

type parameter struct {
	Ref                   string `json:"$ref"`
	Name, In, Description string
}

type response struct {
	Ref         string `json:"$ref"`
	Description string
	Content     content
}

type content map[string]struct{ Schema schema }

type schema struct {
	Ref         string `json:"$ref"`
	Type        any    // a name, or a list of names
	Enum        []string
	Description string
	Properties  map[string]schema
	Items       *schema
	OneOf       []schema
}

// readDescription reads what is shown. Beside its methods, a path has parameters of its own: they are given to each.
func readDescription(openAPI []byte) (d description, err error) {
	var raw struct {
		description
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(openAPI, &raw); err != nil {
		return d, fmt.Errorf("read the API's description: %w", err)
	}
	d = raw.description
	d.Paths = map[string]map[string]operation{}
	for path, members := range raw.Paths {
		d.Paths[path] = map[string]operation{}
		var shared []parameter
		if own, has := members["parameters"]; has {
			if err := json.Unmarshal(own, &shared); err != nil {
				return d, fmt.Errorf("read the parameters of %s: %w", path, err)
			}
			delete(members, "parameters")
		}
		for method, member := range members {
			o := operation{Method: strings.ToUpper(method), Path: path}
			if err := json.Unmarshal(member, &o); err != nil {
				return d, fmt.Errorf("read %s %s: %w", method, path, err)
			}
			o.Parameters = append(shared[:len(shared):len(shared)], o.Parameters...)
			d.Paths[path][method] = o
		}
	}
	return d, nil
}

// operationsOf lists what belongs under a heading, by path and then as one would use it.
func (d description) operationsOf(tag string) (operations []operation) {
	for _, path := range slices.Sorted(maps.Keys(d.Paths)) {
		for _, method := range []string{"get", "post", "patch", "put", "delete"} {
			if o, has := d.Paths[path][method]; has && slices.Contains(o.Tags, tag) {
				operations = append(operations, o)
			}
		}
	}
	return operations
}

func (d description) parameter(p parameter) parameter {
	if p.Ref != "" {
		return d.Components.Parameters[path.Base(p.Ref)]
	}
	return p
}

func (d description) response(r response) response {
	if r.Ref != "" {
		return d.Components.Responses[path.Base(r.Ref)]
	}
	return r
}

// kind says in words what a value is; the names of schemas are those of the page's sections.
func (s schema) kind() string {
	switch {
	case s.Ref != "":
		return path.Base(s.Ref)
	case len(s.Enum) > 0:
		named := slices.DeleteFunc(slices.Clone(s.Enum), func(name string) bool { return name == "" }) // null, or as the text says
		return strings.Join(named, ", ")
	case len(s.OneOf) > 0:
		kinds := make([]string, len(s.OneOf))
		for i, one := range s.OneOf {
			kinds[i] = one.kind()
		}
		return strings.Join(kinds, " or ")
	}
	var names []string
	switch t := s.Type.(type) {
	case string:
		names = []string{t}
	case []any:
		for _, name := range t {
			names = append(names, fmt.Sprint(name))
		}
	}
	if s.Items != nil && len(names) > 0 {
		names[0] = "array of " + s.Items.kind()
	}
	return strings.Join(names, " or ")
}

// problemCodes are the codes that errors have, each once, for the docs.
func problemCodes() []problem {
	unread, refused := unreadable, invalid
	unread.Detail = "The request is not well-formed, or has a field or parameter that is not known."
	refused.Detail = "The request was read, but a field cannot be taken: errors says which and why."
	codes := []problem{unread, refused, internal}
	for _, k := range kinds {
		if !slices.ContainsFunc(codes, func(p problem) bool { return p.Code == k.code }) {
			codes = append(codes, k.problem())
		}
	}
	slices.SortStableFunc(codes, func(a, b problem) int { return a.Status - b.Status })
	return codes
}
