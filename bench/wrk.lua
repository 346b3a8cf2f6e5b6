-- Asks for one target after the other. BENCH_TARGETS: a file of `path TAB token TAB If-None-Match or nothing` lines;
-- BENCH_OFFSET: where to begin, so that one run goes on where the one before ended. Prints one JSON object.
local requests, count, at = {}, 0, 0

function init()
  for line in io.lines(os.getenv("BENCH_TARGETS")) do
    local path, token, tag = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)$")
    local headers = { ["Authorization"] = "Bearer " .. token, ["User-Agent"] = "nexmdm-agent/4.1.0" }
    if tag ~= "" then headers["If-None-Match"] = tag end
    count = count + 1
    requests[count] = wrk.format("GET", path, headers)
  end
  at = tonumber(os.getenv("BENCH_OFFSET")) % count
end

function request()
  at = at % count + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  print(string.format(
    '{"requests":%d,"bytes":%d,"seconds":%.6f,"refused":%d,"broken":%d,"p50Ms":%.3f,"p95Ms":%.3f,"p99Ms":%.3f}',
    summary.requests, summary.bytes, summary.duration / 1e6, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, latency:percentile(99) / 1000))
end
