-- Adds the tallies of one bucket to the health of its connections, the way of
-- connections.Health.Merge, unless the batch was added before.
--
-- KEYS[1]  the number of the recorder's last batch
-- KEYS[2…] the health of a connection each
-- ARGV[1]  the number of this batch, ARGV[2] how many seconds to remember it
-- ARGV[3…] ten values for each connection, see below
--
-- Times go back to Redis as the text that they came in: Lua would write one as
-- 1.7e+15. Its numbers hold whole ones exactly up to 9e+15.

local last = tonumber(redis.call('GET', KEYS[1]) or '0')
if tonumber(ARGV[1]) <= last then
	return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])

-- Absent fields come as false, and numbers are whole.
local function num(text)
	return tonumber(text or '0') or 0
end

-- How much of a streak is known to come after a success at ok, and since when.
local function after(ok, streak, failed, since)
	if num(streak) == 0 or num(failed) <= ok then
		return 0, '0'
	elseif num(since) > ok then
		return num(streak), since
	end
	return 1, failed
end

for i = 2, #KEYS do
	local a = 3 + (i - 2) * 10
	local used, latency, checked, ok, failed = ARGV[a], ARGV[a + 1], ARGV[a + 2], ARGV[a + 3], ARGV[a + 4]
	local failure, streak, since = ARGV[a + 5], ARGV[a + 6], ARGV[a + 7]
	local old = redis.call('HMGET', KEYS[i], 'used', 'checked', 'ok', 'failed', 'streak', 'since', 'calls', 'failures')

	local kept, keptSince = after(num(ok), old[5], old[4], old[6])
	local more, moreSince = after(num(old[3]), streak, failed, since)
	if kept == 0 or (more > 0 and num(moreSince) < num(keptSince)) then
		keptSince = moreSince
	end

	local set = {
		'streak', string.format('%.0f', kept + more), 'since', keptSince,
		'calls', string.format('%.0f', num(old[7]) + num(ARGV[a + 8])),
		'failures', string.format('%.0f', num(old[8]) + num(ARGV[a + 9])),
	}
	local n = #set
	if num(used) > 0 and num(used) >= num(old[1]) then
		set[n + 1], set[n + 2], set[n + 3], set[n + 4] = 'used', used, 'latency', latency
		n = n + 4
	end
	if num(checked) > num(old[2]) then
		set[n + 1], set[n + 2] = 'checked', checked
		n = n + 2
	end
	if num(ok) > num(old[3]) then
		set[n + 1], set[n + 2] = 'ok', ok
		n = n + 2
	end
	if failure ~= '' and num(failed) >= num(old[4]) then
		set[n + 1], set[n + 2], set[n + 3], set[n + 4] = 'failed', failed, 'failure', failure
	end
	redis.call('HSET', KEYS[i], unpack(set))
end
return 1
