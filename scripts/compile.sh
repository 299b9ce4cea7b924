#!/usr/bin/env bash
# Compiles the packet's way in place, beside its sources (docs/decisions/0020): each distribution whose sources have
# changed since, as many at a time as there are processors.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$PWD/.venv/bin/python

"$python" -c 'import mypyc, hatch_mypyc, setuptools' 2>/dev/null ||
  "$python" -m pip install -q --disable-pip-version-check --no-compile --group compile

compile_one() {
  local folder=$1 stamp sum modules
  stamp=.venv/.setup/compiled-${folder//\//-}
  sum=$({ find "$folder" -name '*.py' -not -path '*/.*' -not -path './plugins/*' -not -path '*/tests/*' -print0 | sort -z | xargs -0 cat
          cat "$folder/pyproject.toml"; "$python" --version; } | cksum)
  # a module that has moved leaves its compiled one behind, and Python would still find that
  mapfile -t modules < <(find "$folder" -name '*.so' -not -path '*/.*' -not -path './plugins/*')
  if [ "$(cat "$stamp" 2>/dev/null)" = "$sum" ] && [ ${#modules[@]} -gt 0 ]; then
    touch "${modules[@]}"
    return
  fi
  echo "compile: $folder" >&2
  rm -f "$stamp" "${modules[@]}"
  HATCH_BUILD_HOOKS_ENABLE=true "$python" -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e "./$folder"
  echo "$sum" >"$stamp"
}
export -f compile_one
export python

grep -l 'hooks.mypyc\]' pyproject.toml plugins/*/pyproject.toml | xargs -n1 dirname |
  xargs -P "$(nproc)" -n1 bash -euo pipefail -c 'compile_one "$1"' bash
