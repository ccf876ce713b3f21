-- Messages on one connection: one after the other, and one that is broken off. Each has its own macros.
dofile(here .. "/expect.lua")

local conn = open()
mt.macro(conn, SMFIC_CONNECT, "j", "mta.example")
greet(conn)

local function envelope(id)
	mt.macro(conn, SMFIC_MAIL, "i", id, "{auth_authen}", "user of " .. id)
	answered(conn, "mail", mt.mailfrom(conn, "<sender@example.com>"), SMFIR_CONTINUE)
	answered(conn, "rcpt", mt.rcptto(conn, "<one@example.com>"), SMFIR_CONTINUE)
end

local function content(id)
	answered(conn, "data", mt.data(conn), SMFIR_CONTINUE)
	done("header", mt.header(conn, "Subject", "A test"))
	answered(conn, "end of headers", mt.eoh(conn), SMFIR_CONTINUE)
	answered(conn, "body", mt.bodystring(conn, "Hello\r\n"), SMFIR_SKIP)
	answered(conn, "end of message", mt.eom(conn), SMFIR_ACCEPT)
	holds("the macros of " .. id, appended(conn, "X-Macros", "mta.example " .. id .. " user of " .. id))
end

envelope("first")
content("first")
envelope("broken off")
done("abort", mt.abort(conn))
envelope("second")
content("second")
mt.disconnect(conn, false)
