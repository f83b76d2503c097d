package extension

import (
	"embed"
	"errors"
	"fmt"
	"path"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

//go:embed src static locales package.json
var sources embed.FS

// Embed is the script for /embed.js: one minified file that makes the page that includes it a limn page, and speaks
// the language that a reader likes best of those there are, by the header Accept-Language.
func Embed(acceptLanguage string) ([]byte, error) {
	return embeds[languageOf(acceptLanguage)]()
}

// embeds bundles the script once for each language.
var embeds = func() map[string]func() ([]byte, error) {
	all := map[string]func() ([]byte, error){}
	for _, locale := range locales {
		all[locale] = sync.OnceValues(func() ([]byte, error) { return bundle("src/embed/embed.ts", locale) })
	}
	return all
}()

// bundle makes one minified script of a TypeScript entry and everything it imports. Messages that it imports are in
// the language of a locale.
func bundle(entry, locale string) ([]byte, error) {
	result := api.Build(api.BuildOptions{
		EntryPoints:       []string{entry},
		Bundle:            true,
		Format:            api.FormatIIFE,
		Platform:          api.PlatformBrowser,
		Target:            api.ES2023,
		Charset:           api.CharsetUTF8,
		LegalComments:     api.LegalCommentsNone,
		MinifyWhitespace:  true,
		MinifyIdentifiers: true,
		MinifySyntax:      true,
		TsconfigRaw:       `{"compilerOptions":{"useDefineForClassFields":false}}`, // fields without a value are not written down
		Plugins:           []api.Plugin{embedded(locale)},
	})
	if len(result.Errors) > 0 {
		messages := api.FormatMessages(result.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage})
		return nil, fmt.Errorf("bundle %s: %w", entry, errors.New(strings.TrimSpace(strings.Join(messages, ""))))
	}
	return result.OutputFiles[0].Contents, nil
}

// embedded makes esbuild read the embedded sources and nothing else, whatever folder it runs in.
func embedded(locale string) api.Plugin {
	return api.Plugin{Name: "embedded", Setup: func(build api.PluginBuild) {
		build.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(args api.OnResolveArgs) (api.OnResolveResult, error) {
			name := path.Clean(args.Path)
			if args.Kind != api.ResolveEntryPoint {
				if !strings.HasPrefix(args.Path, ".") {
					return api.OnResolveResult{}, fmt.Errorf("%s is not a file of the extension", name)
				}
				name = path.Join(path.Dir(args.Importer), name)
			}
			if name == table(defaultLocale) {
				name = table(locale)
			}
			return api.OnResolveResult{Path: name, Namespace: "embedded"}, nil
		})
		build.OnLoad(api.OnLoadOptions{Filter: ".*", Namespace: "embedded"}, func(args api.OnLoadArgs) (api.OnLoadResult, error) {
			data, err := sources.ReadFile(args.Path)
			if err != nil {
				return api.OnLoadResult{}, err
			}
			loader := api.LoaderTS
			switch path.Ext(args.Path) {
			case ".json":
				loader = api.LoaderJSON
			case ".css": // a style sheet is imported as its text
				loader = api.LoaderText
				data = api.Transform(string(data), api.TransformOptions{
					Loader: api.LoaderCSS, MinifyWhitespace: true, MinifySyntax: true, Charset: api.CharsetUTF8,
				}).Code
			}
			contents := string(data)
			return api.OnLoadResult{Contents: &contents, Loader: loader}, nil
		})
	}}
}
