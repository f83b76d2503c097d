# Reads go test -v and shows of each package its last line; all of its lines when it failed or skipped a test.
# A skipped test is a failed one.
{ lines = lines $0 "\n" }
/^ *--- SKIP/ { skipped = failed = 1 }
/^ok  \t/ && !skipped { print; lines = "" }
/^(ok  |FAIL|\?   )\t/ { printf "%s", lines; fflush(); lines = ""; skipped = 0 }
/^FAIL/ { failed = 1 }
END { printf "%s", lines; exit failed }
