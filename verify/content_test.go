package verify

import (
	"bytes"
	"testing"
)

func TestContentIsWhatAHighlightCanStandOn(t *testing.T) {
	hash := func(page string) []byte {
		t.Helper()
		r, err := parse([]byte(page), "text/html; charset=utf-8")
		if err != nil {
			t.Fatal(err)
		}
		return r.hash
	}
	const page = `<!DOCTYPE html><title>On ink</title><body><p id=a>Ink <b>is</b> quiet.</p><noscript><p>Turn it on.</p></noscript>`
	for name, c := range map[string]struct {
		page string
		same bool
	}{
		"a script":                     {`<!DOCTYPE html><title>On ink</title><body><p id=a>Ink <b>is</b> quiet.</p><noscript><p>Turn it on.</p></noscript><script>1</script>`, false},
		"an attribute":                 {`<!DOCTYPE html><title>On ink</title><body class=x><p id=a>Ink <b>is</b> quiet.</p><noscript><p data-n=2>Turn it on.</p></noscript>`, true},
		"an id":                        {`<!DOCTYPE html><title>On ink</title><body><p id=b>Ink <b>is</b> quiet.</p><noscript><p>Turn it on.</p></noscript>`, false},
		"a word":                       {`<!DOCTYPE html><title>On ink</title><body><p id=a>Ink <b>is</b> quiet!</p><noscript><p>Turn it on.</p></noscript>`, false},
		"a word for who has no script": {`<!DOCTYPE html><title>On ink</title><body><p id=a>Ink <b>is</b> quiet.</p><noscript><p>Turn it up.</p></noscript>`, false},
		"another element":              {`<!DOCTYPE html><title>On ink</title><body><p id=a>Ink <i>is</i> quiet.</p><noscript><p>Turn it on.</p></noscript>`, false},
		"the same text, wrapped":       {`<!DOCTYPE html><title>On ink</title><body><div><p id=a>Ink <b>is</b> quiet.</p><noscript><p>Turn it on.</p></noscript></div>`, false},
		"a comment, which parts text":  {`<!DOCTYPE html><title>On ink</title><body><p id=a>Ink <b>is</b> qu<!---->iet.</p><noscript><p>Turn it on.</p></noscript>`, false},
	} {
		if same := bytes.Equal(hash(page), hash(c.page)); same != c.same {
			t.Errorf("with %s: the same is %v; want %v", name, same, c.same)
		}
	}
	for name, c := range map[string][2]string{
		"what a script says":  {"<body><script>1</script>", "<body><script>2</script>"},
		"what a style says":   {"<body><style>a{}</style>", "<body><style>b{}</style>"},
		"what a comment says": {"<body>a<!--1-->b", "<body>a<!--2-->b"},
	} {
		if !bytes.Equal(hash(c[0]), hash(c[1])) {
			t.Errorf("%s makes another content", name)
		}
	}
}
