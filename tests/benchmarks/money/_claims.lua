-- wrk: each request is the next claim of a file made by _claim_stage.py, never the same one twice.
local number = 0

function setup(thread)
    thread:set("slot", number)
    number = number + 1
end

function init(args)
    local file, threads = args[1], tonumber(args[2])
    requests, position = {}, 0
    local line_number = 0
    for line in io.lines(file) do
        if line_number % threads == slot then
            local path, token = line:match("^(%S+) (%S+)$")
            requests[#requests + 1] = wrk.format("POST", path, {
                ["Authorization"] = "Claim " .. token,
                ["Idempotency-Key"] = "load-" .. line_number,
            })
        end
        line_number = line_number + 1
    end
end

function request()
    position = position + 1
    return requests[(position - 1) % #requests + 1]
end

function response(status)
    if status == 201 then created = (created or 0) + 1 end
end

function done(summary, latency)
    io.write(string.format(
        '{"requests": %d, "seconds": %.3f, "p50_ms": %.3f, "p99_ms": %.3f, "not_2xx": %d, "socket_errors": %d}\n',
        summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3,
        latency:percentile(99) / 1e3, summary.errors.status,
        summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
