package verify

import (
	"strings"
	"testing"
)

func TestEncodingIsDecidedAsBrowsersDo(t *testing.T) {
	const (
		plain = "text/html"
		utf   = "text/html; charset=utf-8"
		quote = "\x93a\x94\x80" // windows-1252
	)
	late := strings.Repeat("<!-- -->", 200) // more than a kilobyte
	for name, c := range map[string]struct{ body, contentType, want string }{
		"UTF-8 by the header":                    {"<p>é", utf, "<p>é"},
		"a header in capitals and quotes":        {"<p>é", `Text/HTML ; Charset="UTF-8"`, "<p>é"},
		"a header that is no media type":         {"<p>é", "text/html;; charset=utf-8; charset=utf-8", "<p>é"},
		"windows-1252 without any sign":          {"<p>" + quote, plain, "<p>“a”€"},
		"UTF-8 without any sign is not guessed":  {"<p>é", plain, "<p>Ã©"},
		"bytes that windows-1252 lacks":          {"<p>\x81\x9d", plain, "<p>\u0081\u009d"},
		"bytes that windows-1255 lacks":          {"<p>\x81\xd9", "text/html; charset=windows-1255", "<p>\u0081\ufffd"},
		"a meta of x-user-defined":               {"<meta charset=x-user-defined><p>\x80", plain, "<meta charset=x-user-defined><p>€"},
		"latin1 means windows-1252":              {"<p>" + quote, "text/html; charset=iso-8859-1", "<p>“a”€"},
		"a BOM before the header":                {"\xef\xbb\xbf<p>é", "text/html; charset=windows-1252", "<p>é"},
		"a BOM of UTF-16LE":                      {"\xff\xfe<\x00p\x00>\x00\xe9\x00=\xd8\x00\xde", utf, "<p>é😀"},
		"a BOM of UTF-16BE":                      {"\xfe\xff\x00<\x00p\x00>\x00\xe9", plain, "<p>é"},
		"UTF-16BE by the header":                 {"\x00<\x00p\x00>\x00\xe9", "text/html; charset=utf-16be", "<p>é"},
		"UTF-16 by the header is little-endian":  {"<\x00p\x00>\x00\xe9\x00", "text/html; charset=utf-16", "<p>é"},
		"the header before the meta":             {"<meta charset=gbk><p>é", utf, "<meta charset=gbk><p>é"},
		"an unknown header, then the meta":       {"<meta charset=utf-8><p>é", "text/html; charset=nonsense", "<meta charset=utf-8><p>é"},
		"an unknown meta, then the next":         {"<meta charset=nonsense><meta charset=utf-8><p>é", plain, "<meta charset=nonsense><meta charset=utf-8><p>é"},
		"unknown everywhere":                     {"<meta charset=nonsense><p>\x80", "text/html; charset=none", "<meta charset=nonsense><p>€"},
		"a meta with http-equiv":                 {`<meta http-equiv=Content-Type content="text/html; charset=utf-8"><p>é`, plain, `<meta http-equiv=Content-Type content="text/html; charset=utf-8"><p>é`},
		"content without http-equiv says little": {`<meta content="text/html; charset=utf-8"><p>é`, plain, `<meta content="text/html; charset=utf-8"><p>Ã©`},
		"a meta cannot say UTF-16":               {"<meta charset=utf-16le><p>é", plain, "<meta charset=utf-16le><p>é"},
		"a meta in a comment":                    {"<!--<meta charset=utf-8>--><p>é", plain, "<!--<meta charset=utf-8>--><p>Ã©"},
		"a late meta in the head":                {late + "<meta charset=utf-8><p>é", plain, late + "<meta charset=utf-8><p>é"},
		"a late meta in the body":                {"<p>" + late + "<meta charset=utf-8>é", plain, "<p>" + late + "<meta charset=utf-8>Ã©"},
		"Shift_JIS":                              {"<meta charset=Shift_JIS><p>\x93\xfa\x96\x7b", plain, "<meta charset=Shift_JIS><p>日本"},
		"x-sjis is a label of it":                {"<p>\x93\xfa\x96\x7b", "text/html; charset=x-sjis", "<p>日本"},
		"GBK":                                    {"<p>\xd6\xd0\xce\xc4", "text/html; charset=GBK", "<p>中文"},
		"gb2312 is decoded as gb18030":           {"<p>\xd6\xd0\x81\x30\x89\x38", "text/html; charset=gb2312", "<p>中ß"},
		"EUC-KR":                                 {"<p>\xc7\xd1", "text/html; charset=euc-kr", "<p>한"},
		"Big5":                                   {"<p>\xa4\xa4", "text/html; charset=big5", "<p>中"},
		"KOI8-R":                                 {"<p>\xc4\xc1", "text/html; charset=koi8-r", "<p>да"},
		"broken UTF-8, by maximal subparts":      {"<p>\xe2\x82A\xff\xf0\x9f\x98", utf, "<p>\ufffdA\ufffd\ufffd"},
		"XHTML is UTF-8":                         {"<html xmlns=''><p>é", "application/xhtml+xml", "<html xmlns=''><p>é"},
		"XHTML with a declaration":               {`<?xml version="1.0" encoding="windows-1252"?><p>` + quote, "application/xhtml+xml", `<?xml version="1.0" encoding="windows-1252"?><p>“a”€`},
		"HTML with an XML declaration":           {`<?xml version="1.0" encoding="koi8-r"?><p>` + "\xc4\xc1", plain, `<?xml version="1.0" encoding="koi8-r"?><p>да`},
		"a meta before an XML declaration":       {`<?xml version="1.0" encoding="gbk"?><meta charset=koi8-r>` + "\xc4\xc1", plain, `<?xml version="1.0" encoding="gbk"?><meta charset=koi8-r>да`},
		"an XML declaration cannot say UTF-16":   {`<?xml version="1.0" encoding="utf-16"?><p>é`, plain, `<?xml version="1.0" encoding="utf-16"?><p>é`},
		"a header in single quotes":              {"<p>\xc4\xc1", "text/html; charset='koi8-r'", "<p>да"},
		"bytes that iso-8859-8-i lacks":          {"<p>\x81\xe0", "text/html; charset=iso-8859-8-i", "<p>\u0081א"},
		"an empty page":                          {"", plain, ""},
	} {
		got, err := decode([]byte(c.body), c.contentType)
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %q, %v; want %q", name, got, err, c.want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte("<meta charset=utf-8><p>é"), "text/html; charset=utf-16")
	f.Fuzz(func(t *testing.T, body []byte, contentType string) {
		if _, err := decode(body, contentType); err != nil {
			t.Fatalf("decode(%q, %q): %v; want bad bytes replaced", body, contentType, err)
		}
	})
}
