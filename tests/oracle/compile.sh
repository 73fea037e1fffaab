#!/usr/bin/env bash
# Translates profiles/cql/RpmMonth.cql into ELM and packs both into profiles/Library-rpm-month.json.
# Needs Java 17 or newer, Maven and Python 3; the tests need none of them.
set -euo pipefail
cd "$(dirname "$0")"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT

mvn --quiet --batch-mode --file compiler/pom.xml dependency:build-classpath -Dmdep.outputFile="$work/classpath"
java -classpath "$(cat "$work/classpath")" compiler/Compile.java ../../profiles/cql/RpmMonth.cql "$work/elm.json"
python3 pack.py "$work/elm.json"
