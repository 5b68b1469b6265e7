# What the test servers that come as npm packages share; sourced by them, after they set
#   name     for messages
#   here     the folder of the npm package
#   program  the executable among the package's
#   port     of loopback
#   state    a folder of their own, removed when they stop
# and defined launch (start the program in the foreground of a subshell) and print_env (the exports that the tests need).
# Every command may be repeated. All but the exports goes to standard error.

say() { echo "$name: $*" >&2; }

running() {
  local pid stat
  pid=$(cat "$state/pid" 2>/dev/null) && stat=$(ps -o stat= -p "$pid" 2>/dev/null) && [[ $stat != Z* ]]
}

answers() { curl -s -o /dev/null --max-time 2 "http://127.0.0.1:$port/"; }

start() {
  if running && answers; then
    print_env
    return
  fi
  stop
  if answers; then
    say "port $port is in use by something else; choose another"
    exit 1
  fi
  [ -x "$here/node_modules/.bin/$program" ] || (cd "$here" && npm ci --no-audit --no-fund --ignore-scripts >&2)
  mkdir -p "$state/data"
  launch </dev/null >"$state/log" 2>&1 &
  echo $! >"$state/pid"
  local i
  for i in $(seq 120); do
    ! answers || { print_env; return; }
    running || break
    sleep 0.25
  done
  cat "$state/log" >&2
  stop
  say "could not start"
  exit 1
}

stop() {
  if running; then
    kill "$(cat "$state/pid")" 2>/dev/null || true
    local i
    for i in $(seq 40); do
      running || break
      sleep 0.1
    done
  fi
  rm -rf "$state"
}

main() {
  case ${1:-} in
    start) start ;;
    env) print_env ;;
    stop) stop ;;
    *) sed -n '2,/^set /p' "$0" | sed '$d; s/^# \{0,1\}//' >&2; exit 2 ;;
  esac
}
