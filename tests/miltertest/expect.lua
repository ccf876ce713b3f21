-- What the scripts share. Each gets where the filter listens as `socket`, and this directory as `here`.

local names = {}
for _, name in ipairs({ "CONTINUE", "ACCEPT", "REJECT", "TEMPFAIL", "DISCARD", "REPLYCODE", "SKIP" }) do
	names[_G["SMFIR_" .. name]] = name
end

-- Ends the script: miltertest itself does not print what an error says.
local function fail(why)
	mt.echo(why)
	error(why)
end

-- A connection to the filter, after a negotiation by the terms given or by those of libmilter. miltertest 1.6.0 takes
-- actions and steps the other way round than its manual says.
function open(version, actions, steps)
	local conn = mt.connect(socket)
	if conn == nil then fail("cannot connect to " .. socket) end
	done("negotiate", mt.negotiate(conn, version, steps, actions))
	return conn
end

-- Makes sure that something could be said.
function done(what, failure)
	if failure ~= nil then fail(what .. ": " .. failure) end
end

-- Makes sure that it could be said, and how it was answered.
function answered(conn, what, failure, wanted)
	done(what, failure)
	local reply = mt.getreply(conn)
	if reply ~= wanted then
		fail(what .. ": answered by " .. (names[reply] or reply) .. ", not " .. names[wanted])
	end
end

-- Makes sure that something is so.
function holds(what, is)
	if not is then fail(what .. ": is not so") end
end

-- The value of a header as it is sent: with its space after the colon, where that was agreed.
function spaced(conn, value)
	return mt.test_option(conn, SMFIP_HDR_LEADSPC) and " " .. value or value
end

-- Whether a header was added at the end: as such, or at a place behind all others.
function appended(conn, name, value)
	value = spaced(conn, value)
	return mt.eom_check(conn, MT_HDRADD, name, value) or mt.eom_check(conn, MT_HDRINSERT, name, value)
end

-- A client that has greeted.
function greet(conn)
	answered(conn, "connect", mt.conninfo(conn, "client.example", "192.0.2.1"), SMFIR_CONTINUE)
	answered(conn, "helo", mt.helo(conn, "client.example"), SMFIR_CONTINUE)
end
