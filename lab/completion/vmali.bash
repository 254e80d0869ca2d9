# SPDX-License-Identifier: MIT
# Copyright (C) 2026 The vmali authors
# shellcheck shell=bash
#
# Completion of ./run and ./check for bash, and for zsh after `autoload bashcompinit; bashcompinit`.
# Options and groups are read from --help, subtests from the full test list, patches from the series.
#
#	. lab/completion/vmali.bash

# The repository of the command that is completed.
_vmali_repo() {
	dirname -- "$(readlink -f -- "${COMP_WORDS[0]/#\~/$HOME}")"
}

# _vmali_words WORD…: those of the words that begin with the word that is completed.
_vmali_words() {
	mapfile -t COMPREPLY < <(compgen -W "$*" -- "${COMP_WORDS[COMP_CWORD]}")
}

_vmali_files() {
	compopt -o filenames 2>/dev/null
	mapfile -t COMPREPLY < <(compgen -f -- "${COMP_WORDS[COMP_CWORD]}")
}

_vmali_options() {
	_vmali_words "$("${COMP_WORDS[0]/#\~/$HOME}" --help | sed -n 's/^  \(--[a-z-]*\).*/\1/p' | sort -u)"
}

_vmali_run_values() {
	case $1 in
	--arch) _vmali_words arm64 x86-64 ;;
	--pages) _vmali_words 4k 16k ;;
	--cpu-page) _vmali_words 4K 16K 64K ;;
	--client) _vmali_words panvk ;;
	--mesa) _vmali_words sid forky ;;
	--igt) _vmali_words libigt standalone ;;
	--tlb) _vmali_words keep off tiny: ;;
	--rules) _vmali_words fail warn off ;;
	--without | --until)
		_vmali_words "$(sed -n 's/\.patch$//p' "$(_vmali_repo)/kernel/patches/series")"
		;;
	--kernel | --patch | --each-patch | --replay | --results | --test-list | --trace | --mutants)
		_vmali_files
		;;
	--test | --shard | --param | --seed | --operations) COMPREPLY=() ;;
	*) return 1 ;;
	esac
}

_vmali_run() {
	local word=${COMP_WORDS[COMP_CWORD]}

	_vmali_run_values "${COMP_WORDS[COMP_CWORD - 1]}" && return
	case $word in
	-*) _vmali_options ;;
	*)
		_vmali_words "$(sed -n 's/^igt@.*@//p' \
			"$(_vmali_repo)/tests/panthor/panthor_vm_sparse.full.testlist")"
		;;
	esac
}

_vmali_check() {
	local word=${COMP_WORDS[COMP_CWORD]}

	case $word in
	-*) _vmali_options ;;
	*) _vmali_words "$("${COMP_WORDS[0]/#\~/$HOME}" --help | sed -n 's/^  \([a-z][a-z0-9]*\) .*/\1/p')" ;;
	esac
}

complete -F _vmali_run ./run
complete -F _vmali_check ./check
