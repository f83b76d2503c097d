package verify

import (
	"bytes"
	"cmp"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/htmlindex"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
)

// decode turns a page into UTF-8 as browsers do: a byte order mark decides, else the header, else what the
// page declares, else it is windows-1252. No encoding is guessed from the text: browsers guess differently from each
// other, and never UTF-8, so that authors notice what they forgot.
func decode(body []byte, contentType string) ([]byte, error) {
	e := encodingOf(body, contentType)
	if table, ok := e.(*charmap.Charmap); ok {
		return decodeBytes(body, table), nil
	}
	text, err := e.NewDecoder().Bytes(body)
	return bytes.TrimPrefix(text, []byte("\ufeff")), err
}

// decodeBytes decodes an encoding of single bytes. Where its table has nothing from 0x80 to 0x9f, the Encoding Standard
// has the control character of that number.
func decodeBytes(body []byte, table *charmap.Charmap) []byte {
	text := make([]byte, 0, len(body)+len(body)/8)
	for _, b := range body {
		r := table.DecodeByte(b)
		if r == utf8.RuneError && b >= 0x80 && b <= 0x9f {
			r = rune(b)
		}
		text = utf8.AppendRune(text, r)
	}
	return text
}

func encodingOf(body []byte, contentType string) encoding.Encoding {
	switch {
	case bytes.HasPrefix(body, []byte{0xef, 0xbb, 0xbf}):
		return unicode.UTF8
	case bytes.HasPrefix(body, []byte{0xfe, 0xff}):
		return unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM)
	case bytes.HasPrefix(body, []byte{0xff, 0xfe}):
		return unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)
	}
	if e := lookup(charsetParameter(contentType)); e != nil {
		return e
	}
	if strings.HasPrefix(strings.ToLower(strings.TrimSpace(contentType)), xhtml) {
		return cmp.Or(declaredXML(body), encoding.Encoding(unicode.UTF8))
	}
	return cmp.Or(declared(body), declaredXML(body), encoding.Encoding(charmap.Windows1252))
}

// declaredXML is the encoding that an XML declaration names, which a page of HTML may have as well (HTML Standard, "get an
// XML encoding"); nil: none that is one.
func declaredXML(body []byte) encoding.Encoding {
	m := xmlDeclaration.FindSubmatch(body[:min(len(body), prescan)])
	if m == nil {
		return nil
	}
	return declarable(lookup(string(m[1])))
}

// lookup finds an encoding by one of its labels (Encoding Standard); nil: it is none.
func lookup(label string) encoding.Encoding {
	e, err := htmlindex.Get(label)
	switch {
	case err != nil:
		return nil
	case e == simplifiedchinese.GBK: // decoded as its superset
		return simplifiedchinese.GB18030
	case e == charmap.ISO8859_8I: // the same bytes, of text that is in another order
		return charmap.ISO8859_8
	}
	return e
}

// charsetParameter reads what is often not quite a media type.
func charsetParameter(contentType string) string {
	_, parameters, _ := strings.Cut(contentType, ";")
	for parameter := range strings.SplitSeq(parameters, ";") {
		name, value, _ := strings.Cut(parameter, "=")
		if strings.EqualFold(strings.TrimSpace(name), "charset") {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return ""
}

var xmlDeclaration = regexp.MustCompile(`^<\?xml[^>]*?\sencoding\s*=\s*["']([\w.:-]+)["']`)

// How far a declaration is looked for: in the first kilobyte wherever it stands (HTML Standard, "prescan a byte
// stream"), and after it as long as nothing but a head has been seen, as browsers do.
const (
	prescan     = 1 << 10
	prescanHead = 64 << 10
)

// declared is the encoding that a page's meta element names; nil: none that is one.
func declared(body []byte) encoding.Encoding {
	z := html.NewTokenizer(bytes.NewReader(body[:min(len(body), prescanHead)]))
	head := true
	for at := 0; head || at < prescan; at += len(z.Raw()) {
		kind := z.Next()
		if kind == html.ErrorToken {
			return nil
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		name, attributes := z.TagName()
		switch string(name) {
		case "meta":
			if e := metaEncoding(z, attributes); e != nil {
				return e
			}
		case "html", "head", "title", "base", "link", "style", "script", "noscript", "object":
		default:
			head = false
		}
	}
	return nil
}

func metaEncoding(z *html.Tokenizer, more bool) encoding.Encoding {
	var label, content, pragma string
	for more {
		var key, value []byte
		key, value, more = z.TagAttr()
		switch string(key) {
		case "charset":
			label = string(value)
		case "content":
			content = string(value)
		case "http-equiv":
			pragma = string(value)
		}
	}
	if label == "" && strings.EqualFold(pragma, "content-type") {
		if m := metaCharset.FindStringSubmatch(content); m != nil {
			label = m[1] + m[2] + m[3]
		}
	}
	return declarable(lookup(label))
}

// declarable is the encoding that a page means that declares one in itself: what could be read so far is not UTF-16.
func declarable(e encoding.Encoding) encoding.Encoding {
	if e == nil {
		return nil
	}
	if e == charmap.XUserDefined {
		return charmap.Windows1252
	}
	if name, err := htmlindex.Name(e); err == nil && strings.HasPrefix(name, "utf-16") {
		return unicode.UTF8
	}
	return e
}

var metaCharset = regexp.MustCompile(`(?i)charset\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s;"'][^\s;]*))`)
