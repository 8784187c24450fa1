package secrets

import (
	"os"
	"strings"
	"syscall"

	"durward/conformance/gateway"
)

// valueFault is a fault of a project around a value that comes from outside.
type valueFault struct {
	name string
	make func(p *project)
	// text is a part of what is told of it.
	text string
}

// edit replaces a part of a file.
func edit(name, old, with string) func(*project) {
	return func(p *project) {
		was := p.kept[p.path(name)]
		if !strings.Contains(was, old) {
			p.t.Fatalf("%s does not hold %s", name, old)
		}
		p.write(p.path(name), strings.Replace(was, old, with, 1))
	}
}

// whole replaces a file.
func whole(name, content string) func(*project) {
	return func(p *project) { p.write(p.path(name), content) }
}

// gone removes a file.
func gone(name string) func(*project) {
	return func(p *project) {
		if err := os.Remove(p.path(name)); err != nil {
			p.t.Fatal(err)
		}
	}
}

// instead makes something in the place of a file.
func instead(name string, what func(path string) error) func(*project) {
	return func(p *project) {
		gone(name)(p)
		if err := what(p.path(name)); err != nil {
			p.t.Fatal(err)
		}
	}
}

func folder(path string) error { return os.Mkdir(path, 0o700) }
func pipe(path string) error   { return syscall.Mkfifo(path, 0o600) }
func circle(path string) error { return os.Symlink(path, path) }

const (
	theSecret = `"$env(CLIENT_SECRET)"`
	theHeader = `"$import(./headers.json)"`
)

func valueFaults() []valueFault {
	secret := func(name, with, text string) valueFault {
		return valueFault{"client secret " + name, edit(policies, theSecret, with), text}
	}
	variable := func(name, variable, text string) valueFault {
		return secret("from "+name, `"$env(`+variable+`)"`, text)
	}
	in := func(file, name, old, with, text string) valueFault {
		return valueFault{file + " " + name, edit(file, old, with), text}
	}
	line := func(name, with, text string) valueFault {
		return valueFault{".env " + name, edit(dotEnv, "CLIENT_ID="+canary("client-id"), with), text}
	}
	imported := func(name, content, text string) valueFault {
		return valueFault{"imported " + name, whole(headers, content), text}
	}
	return []valueFault{
		// What stands where a reference should.
		secret("as a number", digits, "must be a string"),
		secret("in a list", `["`+canary("list")+`", "$env(BAD_SPACE)"]`, "must be a string"),
		secret("in an object", `{"value": "$env(CLIENT_SECRET)"}`, "must be a string"),
		secret("beside a variable that is not set", `"`+canary("beside")+`-$env(NOT_SET)"`, "environment variable NOT_SET is not set"),
		secret("in place of a variable's name", `"$env(canary_7f3a9c_as_name)"`, "this environment variable is not set"),
		secret("in a reference that is not closed", `"$env(`+canary("open")+`"`, "has no closing )"),
		secret("behind a reference that is not closed", `"$env(CLIENT_SECRET `+canary("behind")+`"`, "has no closing )"),
		secret("beside $ENV", `"`+canary("beside")+` $ENV(CLIENT_SECRET)"`, "looks like a variable"),
		secret("beside braces", `"`+canary("beside")+` ${CLIENT_SECRET}"`, "looks like a variable"),
		secret("that looks like a variable", `"$CANARY_7F3A9C"`, "looks like a variable"),
		secret("beside the braces of URLs", `"`+canary("beside")+`${env.CLIENT_SECRET}"`, "is resolved in rewritePattern only"),
		secret("twice", theSecret+`, "clientSecret": "`+canary("twice")+`"`, `duplicate property "clientSecret"`),
		secret("in other letters", `"x", "ClientSecret": "`+canary("letters")+`"`, "only in case"),
		secret("under a misspelt name", `"x", "clientSecert": "$env(CLIENT_SECRET)"`, `unknown property "clientSecert"`),
		secret("written out under a misspelt name", `"x", "clientSecert": "`+canary("misspelt")+`"`, `unknown property "clientSecert"`),
		secret("with an unknown escape", `"`+canary("escape")+`\x"`, "a backslash must be written"),
		secret("with a line break in it", `"`+canary("broken")+"\n\"", "at its end"),
		secret("without its second quote", `"`+canary("end"), "at its end"),
		secret("without quotes", canary("bare"), "a text stands in double quotes"),
		secret("in single quotes", `'`+canary("single")+`'`, "not in single ones"),
		secret("in bytes that are not UTF-8", `"`+canary("bytes")+"\xff\"", "is not valid UTF-8"),
		secret("in a comment", theSecret+" // "+canary("comment"), "JSON has no comments"),
		secret("in a tab", "\"\t"+canary("tab")+`"`, "a text holds no tab"),
		in(policies, "with text behind its end", "]\n}\n", "]\n}\n\""+canary("behind")+`"`, "there is something after it"),
		in(policies, "with a key for a name", `"clientId": "$env(CLIENT_ID)"`, `"`+canary("name")+`"`, "this name has no value"),

		// Variables that hold something else.
		variable("a variable with space behind", "BAD_SPACE", "with no space or line end around it"),
		variable("a variable of two lines and a space", "BAD_LINES) $env(BAD_SPACE", "with no space or line end around it"),
		variable("a variable of bytes", "BAD_BYTES", "environment variable BAD_BYTES is not valid UTF-8"),
		variable("a variable and a file", "BAD_BOTH", "BAD_BOTH and BAD_BOTH_FILE are both set"),
		variable("where a path should be", "BAD_PLACE", "BAD_PLACE_FILE must hold the absolute path of a file"),
		variable("where a path should be, with a slash", "BAD_SLASH", "the file that BAD_SLASH_FILE names does not exist"),
		variable("a file that is missing", "BAD_MISSING", "the file that BAD_MISSING_FILE names does not exist"),
		variable("a folder", "BAD_FOLDER", "the file that BAD_FOLDER_FILE names is no regular file"),
		variable("a file below a file", "BAD_BELOW", "the file that BAD_BELOW_FILE names cannot be read"),
		variable("a file that is too large", "BAD_LARGE", "the file that BAD_LARGE_FILE names holds more than 64 KiB"),
		variable("a file with NUL", "BAD_NUL", "the file that BAD_NUL_FILE names holds a NUL byte"),
		variable("a file of bytes", "BAD_BYTES_IN", "the file that BAD_BYTES_IN_FILE names is not valid UTF-8"),
		variable("a file that is empty", "BAD_EMPTY", "the file that BAD_EMPTY_FILE names is empty"),
		variable("a file with a mark", "BAD_MARK", "the file that BAD_MARK_FILE names begins with a byte order mark"),
		variable("a file of the kernel", "BAD_KERNEL", "the file that BAD_KERNEL_FILE names is made up by the kernel"),
		variable("a file of two lines and a space", "BAD_LINES_IN) $env(BAD_SPACE", "with no space or line end around it"),

		// Files that change under what runs.
		{"the secret's file is gone", gone("client-secret"), "the file that CLIENT_SECRET_FILE names does not exist"},
		{"the secret's file is empty", whole("client-secret", ""), "the file that CLIENT_SECRET_FILE names is empty"},
		{"the secret's file is a folder", instead("client-secret", folder), "is no regular file"},
		{"the secret's file is a pipe", instead("client-secret", pipe), "is no regular file"},
		{"the secret's file is a circle", instead("client-secret", circle), "cannot be read"},
		{"the secret's file has space", whole("client-secret", canary("space")+" \n"), "with no space or line end around it"},
		{"the key's file has lines", whole("api-key", canary("line-1")+"\n"+canary("line-2")+"\n"), "API_KEY"},
		{"the key's file is gone", gone("api-key"), "the file that API_KEY_FILE in .env names does not exist"},
		{"the token's file holds a sentence", whole("admin-token", canary("a whole sentence")), "must be made of letters"},

		// .env.
		line("without =", "CLIENT_ID "+canary("no-sign"), "is no NAME=VALUE"),
		line("with a name that is none", "CLIENT-ID="+canary("hyphen"), "is no NAME=VALUE"),
		line("with space around =", "CLIENT_ID = "+canary("space"), "has space before the ="),
		line("with a quote that is not closed", "CLIENT_ID='"+canary("quote"), "has no closing '"),
		line("with an escape that is none", `CLIENT_ID="`+canary("escape")+`\x"`, "has a \\ that is none of"),
		line("with text behind its quote", "CLIENT_ID='x'"+canary("behind"), "has text behind the value's closing quote"),
		line("with space in a value", "CLIENT_ID="+canary("some space"), "has a value with space in it"),
		line("with a value over two lines", "CLIENT_ID=\"first\n"+canary("second")+`"`, "has no closing"),
		line("with an expansion", "CLIENT_ID="+canary("x")+"${TEAM}", "has ${ or $( in its value"),
		line("with bytes", "CLIENT_ID="+canary("bytes")+"\xff", "is not valid UTF-8"),
		line("with NUL", "CLIENT_ID="+canary("nul")+"\x00", "holds a NUL byte"),
		line("with a variable twice", "CLIENT_ID="+canary("one")+"\nCLIENT_ID="+canary("two"), "sets a variable that an earlier line sets"),
		line("with a value and a file", "CLIENT_ID="+canary("both")+"\nCLIENT_ID_FILE=/"+canary("path"), "CLIENT_ID and CLIENT_ID_FILE are both set in .env"),
		line("with a secret for a path", "CLIENT_ID_FILE="+canary("path"), "CLIENT_ID_FILE in .env must hold the absolute path of a file"),
		{".env gone", gone(dotEnv), "environment variable CLIENT_ID is not set"},
		{".env a folder", instead(dotEnv, folder), "is no regular file"},
		{".env too large", whole(dotEnv, strings.Repeat("# "+canary("large")+"\n", 5000)), "holds more than 64 KiB"},
		{".env with a mark", whole(dotEnv, "\uFEFFCLIENT_ID="+canary("mark")), "begins with a byte order mark"},
		{".env that does not count", edit(settings, "{\n", "{\n  \"publicUrl\": \"https://mcp.example.com\",\n"),
			"environment variable CLIENT_ID is not set"},

		// Imports.
		in(policies, "import of .env", theHeader, `"$import(../.env)"`, "must lie in the configuration folder"),
		in(policies, "import of a variable", theHeader, `"$import($env(CLIENT_SECRET))"`, "an import is a whole value"),
		in(policies, "import within a secret", theSecret, `"`+canary("x")+` $import(./headers.json)"`, "an import is a whole value"),
		in(policies, "import of the secret itself", theSecret, `"$import(`+canary("import")+`)"`, "begins with ./"),
		imported("file that breaks off", `[{"name": "X-Team", "value": "`+canary("half"), "at its end"),
		imported("file of another type", `"`+canary("text")+`"`, "must be an array"),
		imported("number", `[{"name": "X-Team", "value": `+digits+`}]`, "must be a string"),
		imported("misspelt name", `[{"name": "X-Team", "valu": "`+canary("misspelt")+` $env(TEAM)"}]`, `unknown property "valu"`),
		imported("unset variable", `[{"name": "X-Team", "value": "`+canary("beside")+` $env(NOT_SET)"}]`, "NOT_SET is not set"),
		imported("header of two lines", `[{"name": "X-Team", "value": "$env(BAD_LINES)"}]`, "BAD_LINES"),
		imported("circle", `[{"name": "X-Team", "value": "`+canary("before")+`"}, "$import(./headers.json)"]`, "circle"),
		imported("header of a bad name", `[{"name": "$env(BAD_TEXT)", "value": "x"}]`, "BAD_TEXT"),

		// Other places of policies.json and the routes.
		in(policies, "provider with a path", "$env(CLERK_FRONTEND_API_URL)", "$env(BAD_PATH)", "must have no path"),
		in(policies, "provider with a password", "$env(CLERK_FRONTEND_API_URL)", "$env(BAD_USER)", "must hold no user"),
		in(policies, "provider with a query", "$env(CLERK_FRONTEND_API_URL)", "$env(BAD_QUERY)", "must have no query"),
		in(policies, "pages of two lines", "Pages of $env(TEAM)", "Pages of $env(BAD_LINES)", "BAD_LINES"),
		in(policies, "key as a number", `"Bearer $env(API_KEY)"`, digits, "must be a string"),
		in(policies, "key of two lines", "Bearer $env(API_KEY)", "Bearer $env(BAD_LINES_IN)", "BAD_LINES_IN"),
		in(policies, "policy's name", `"name": "key"`, `"name": "$env(TEAM)"`, "is not resolved here"),
		in(policies, "origin that is none", "$env(CORS_ORIGIN)", "$env(BAD_TEXT)", "BAD_TEXT"),
		in(policies, "origin of bytes", "$env(CORS_ORIGIN)", "$env(BAD_BYTES)", "is not valid UTF-8"),
		in(policies, "header of CORS that is none", "$env(CORS_HEADER)", "$env(BAD_LINES)", "BAD_LINES"),
		in(policies, "age that is a secret", `"name": "pages",`, `"name": "pages", "maxAge": "$env(BAD_NUMBER)",`, "BAD_NUMBER"),
		in(policies, "CORS policy's name", `"name": "pages",`, `"name": "$env(TEAM)",`, "is not resolved here"),
		in(policies, "CORS policy with a misspelt name", `"allowedHeaders"`, `"allowedHeader"`, `unknown property "allowedHeader"`),
		in(routes, "upstream with a password", "${env.UPSTREAM}", "${env.BAD_USER}", "without user and password"),
		in(routes, "upstream with a key", "${env.UPSTREAM}", "$env(BAD_QUERY)", "without a query"),
		in(routes, "upstream that is none", "${env.UPSTREAM}", "${env.BAD_TEXT}", "must be an http or https URL"),
		in(routes, "upstream that is not closed", "${env.UPSTREAM}", "${env.UPSTREAM$env(TEAM)", "has no closing }"),
		in(routes, "upstream of a request", "${env.UPSTREAM}", "https://${params.x}$env(TEAM)", "cannot depend on the request"),
		in(routes, "operation", `"operationId": "demo"`, `"operationId": "$env(TEAM)"`, "is not resolved here"),
		in(routes, "title", `"summary": "Demo"`, `"summary": "of $env(TEAM)"`, "is not resolved here"),
		in(routes, "option that is no text", `"${env.UPSTREAM}"`, `"${env.UPSTREAM}", "forwardSearch": "$env(TEAM)"`, "must be true or false"),

		// gateway.json.
		in(settings, "token too short", "$env(ADMIN_TOKEN)", "$env(BAD_SHORT)", "at least 16 characters"),
		in(settings, "token of words", "$env(ADMIN_TOKEN)", "$env(BAD_TEXT)", "must be made of letters"),
		in(settings, "token written out", `"$env(ADMIN_TOKEN)"`, `"`+gateway.Canary+`"`, "at least 16 characters"),
		in(settings, "token as a number", `"$env(ADMIN_TOKEN)"`, digits, "must be a string"),
		in(settings, "token under a misspelt name", `"adminToken": "$env(ADMIN_TOKEN)"`, `"adminTokn": "`+canary("admin-token-misspelt")+`"`, `unknown property "adminTokn"`),
		in(settings, "token twice", `"adminToken"`, `"adminToken": "`+canary("admin-token-twice")+`", "adminToken"`, `duplicate property "adminToken"`),
		in(settings, "token in a file that is gone", "$env(ADMIN_TOKEN)", "$env(BAD_MISSING)", "BAD_MISSING_FILE names does not exist"),
		in(settings, "key that is none", "$env(STORE_KEY)", "$env(BAD_TEXT)", "BAD_TEXT"),
		in(settings, "key written out", `"$env(STORE_KEY)"`, `"`+canary("store-key")+`"`, "32 bytes"),
		in(settings, "key without its place", `{ "key": "$env(STORE_KEY)" }`, `"$env(STORE_KEY)"`, "is not resolved here"),
		in(settings, "public URL with a password", "{\n", "{\n  \"publicUrl\": \"https://user:"+canary("public")+"@mcp.example.com\",\n", "must be an origin"),
		in(settings, "address from a variable", "{\n", "{\n  \"data\": \"$env(TEAM)\",\n", "is not resolved here"),
	}
}
