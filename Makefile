# rung: GNU make, one file, no configure. `make`, `make check`, `make install PREFIX=…`; V=1 shows commands.
# A build of another kind beside this one:  make BUILD=build-x CC=clang CFLAGS="-O1 -g" …

BUILD   ?= build
BIN     ?= $(if $(filter build,$(BUILD)),bin,$(BUILD)/bin)
CFLAGS  ?= -O2 -g
PREFIX  ?= /usr/local
INSTALL ?= install
FUZZ_SECONDS ?= 30

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
# -ffp-contract=off: clang fuses multiply and add even under -std=c11, and numbers must repeat.
override CPPFLAGS += -D_GNU_SOURCE -Ischeduler -Iinclude -I. -MMD -MP
COMPILE = $Q$(CC) -std=c11 $(CPPFLAGS) -I$(BUILD)/scheduler $(PKG_CFLAGS) $(WARNINGS) $(CFLAGS) -ffp-contract=off
LINK    = $Q$(CC) $(CFLAGS) $(LDFLAGS) -Wl,--as-needed -o $@ $^
Q       := $(if $(V),,@)
say      = $(if $(V),,@echo '  $1 $@')
JOBS     = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
SUBMAKE  = $(MAKE) --no-print-directory $(JOBS)

PACKAGES   := libevent openssl sqlite3 libcjson openblas lapacke zlib
pkg         = $(shell pkg-config $1 2>/dev/null)
PKG_CFLAGS := $(call pkg,--cflags $(PACKAGES))
LIBS_BASE  := $(or $(call pkg,--libs libcjson),-lcjson) -lm
LIBS_COST  := $(call pkg,--libs lapacke openblas) $(LIBS_BASE)
LIBS_RUNG  := $(call pkg,--libs libevent openssl sqlite3) $(LIBS_COST)
LIBS_TRAINER := $(call pkg,--libs openblas zlib) $(LIBS_BASE)
LIBS_ALL   := $(call pkg,--libs libevent openssl sqlite3 lapacke openblas zlib) $(LIBS_BASE)

objects = $(patsubst %.c,$(BUILD)/%.o,$(wildcard $1))
names   = $(notdir $(basename $(wildcard $1)))
OBJ_BASE      := $(call objects,scheduler/base/*.c)
OBJ_CORE      := $(call objects,scheduler/core/*.c)
OBJ_COST      := $(call objects,scheduler/cost/*.c)
OBJ_SCHEDULER := $(call objects,scheduler/*/*.c)
OBJ_TRAINER   := $(filter-out %/main.o,$(call objects,trainer/*.c))

PROGRAMS := $(if $(wildcard scheduler/main.c),$(BIN)/rung) $(if $(wildcard trainer/main.c),$(BIN)/rung-trainer) \
	$(if $(wildcard trainer/sdk.c),$(BIN)/librung-trainer.a)
# tests/unit/test_X.c -> BUILD/tests/test_X; tests/DIR/X.c -> BUILD/tests/DIR/X, of which those of
# trace, sim and data are tests and the others are run by scripts.
UNIT    := $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(wildcard tests/unit/test_*.c))
HELPERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/cli/*.c tests/fault/*.c))
BENCHES := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/bench/*.c))
MODELS  := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/trace/*.c tests/sim/*.c tests/data/*.c))
FUZZERS := $(patsubst %.c,$(BUILD)/%,$(wildcard tests/fuzz/fuzz_*.c))
SCRIPTS := $(wildcard tests/cli/*.sh tests/fault/*.sh)
TESTS   := $(UNIT) $(MODELS)
SANITIZED = $(TESTS:$(BUILD)/%=$(BUILD)/asan-gcc/%) $(TESTS:$(BUILD)/%=$(BUILD)/asan-clang/%)

# What a test links: the trainer where it includes the trainer's headers, else as its module X needs.
# Base, core and cost go without SQLite and libevent.
IN_BASE    := $(call names,scheduler/base/*.c)
IN_CORE    := $(call names,scheduler/core/*.c)
IN_COST    := $(call names,scheduler/cost/*.c)
IN_TRAINER := $(patsubst fuzz_%,%,$(patsubst test_%,%,$(call names,$(shell grep -ls '^\#include ".*trainer/.*\.h"' \
	tests/unit/*.c tests/fuzz/*.c))))
choose = $(if $(filter $1,$(IN_TRAINER)),$4,$(if $(filter $1,$(IN_BASE)),$2,$(if $(filter $1,$(IN_CORE)),$3,$(if \
	$(filter $1,$(IN_COST)),$5,$6))))
archives = $(call choose,$1,$(BUILD)/libbase.a,$(BUILD)/libcore.a,$(BUILD)/libtrainer.a $(BUILD)/libbase.a,$(BUILD)/libcost.a,$(BUILD)/librung.a)
libs     = $(call choose,$1,$(LIBS_BASE),$(LIBS_BASE),$(LIBS_TRAINER),$(LIBS_COST),$(LIBS_RUNG))
module   = $(patsubst fuzz_%,%,$(patsubst test_%,%,$(notdir $1)))

WHERE = RUNG_BIN=$(abspath $(BIN)) RUNG_BUILD=$(abspath $(BUILD))

.PHONY: all check check-run check-sanitize sanitized-programs test-programs bench bench-run demo demo-run deps need install uninstall \
	clean soak fuzz fuzz-programs
.SECONDARY:
.SECONDEXPANSION:

all: $(PROGRAMS)

# Packages first, then make again: what pkg-config knows is read when this file is.
check:
	@tests/deps.sh check
	+@$(SUBMAKE) check-run

check-run: all test-programs $(HELPERS) sanitized-programs
	@$(WHERE) tests/run.sh "tests/purity.sh $(BUILD)" $(TESTS) $(SANITIZED) $(SCRIPTS)

check-sanitize: sanitized-programs
	@tests/run.sh $(SANITIZED)

# gcc and clang both: each finds what the other does not, and both have to compile all of it.
SANITIZE := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
sanitized-programs:
	+@$(SUBMAKE) BUILD=$(BUILD)/asan-gcc CC=gcc CFLAGS="$(SANITIZE)" test-programs
	+@$(SUBMAKE) BUILD=$(BUILD)/asan-clang CC=clang CFLAGS="$(SANITIZE)" test-programs
test-programs: $(TESTS)

bench:
	@tests/deps.sh build
	+@$(SUBMAKE) bench-run
bench-run: all $(BENCHES)
	@$(WHERE) tests/bench/run.sh

demo:
	@tests/deps.sh build
	+@$(SUBMAKE) all
	@mkdir -p $(BUILD); d=$$(mktemp -d $(BUILD)/demo-XXXXXX) && $(BIN)/rung run examples/demo.json --db $$d/demo.db

soak: all $(HELPERS)
	@$(WHERE) tests/soak.sh

fuzz:
	+@$(SUBMAKE) BUILD=$(BUILD)/fuzz CC=clang CFLAGS="-O1 -g -fsanitize=fuzzer-no-link,address,undefined" fuzz-programs
	@for p in $(FUZZERS:$(BUILD)/%=$(BUILD)/fuzz/%); do echo "$$p: $(FUZZ_SECONDS) s"; mkdir -p $$p.corpus; \
		$$p -max_total_time=$(FUZZ_SECONDS) -artifact_prefix=$$p- $$p.corpus $$(ls -d tests/fuzz/seeds/$${p##*/} 2>/dev/null) > $$p.log 2>&1 || \
		{ tail -n 60 $$p.log; exit 1; }; tail -n 1 $$p.log; done
fuzz-programs: $(FUZZERS)

deps:
	@tests/deps.sh check
need:
	@pkg-config --exists $(PACKAGES) || { echo "libraries are missing: run 'make deps'" >&2; exit 1; }

$(BUILD)/%.o: %.c | need
	@mkdir -p $(@D)
	$(call say,CC  )
	$(COMPILE) -c -o $@ $<

# SQL as a string constant, a line of it per line, for schema.c to include.
$(BUILD)/scheduler/store/schema.o: $(patsubst %,$(BUILD)/%.h,$(wildcard scheduler/store/schema/*.sql))
$(BUILD)/%.sql.h: %.sql
	@mkdir -p $(@D)
	$(call say,SQL )
	$Qsed 's/["\\?]/\\&/g; s/.*/"&\\n"/' $< > $@.tmp && mv $@.tmp $@

# q, not r: two objects of one file name would replace each other.
$(BUILD)/libbase.a: $(OBJ_BASE)
$(BUILD)/libcore.a: $(OBJ_CORE) $(OBJ_BASE)
$(BUILD)/libcost.a: $(OBJ_COST) $(OBJ_CORE) $(OBJ_BASE)
$(BUILD)/librung.a: $(OBJ_SCHEDULER)
$(BUILD)/libtrainer.a: $(OBJ_TRAINER)
$(BIN)/librung-trainer.a: $(patsubst %,$(BUILD)/trainer/%.o,sdk answer models state values) $(OBJ_BASE)
%.a:
	@mkdir -p $(@D)
	@rm -f $@
	$(call say,AR  )
	$Q$(AR) qcs $@ $^

$(BIN)/rung: $(BUILD)/scheduler/main.o $(OBJ_SCHEDULER)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(LINK) $(LIBS_RUNG)
$(BIN)/rung-trainer: $(BUILD)/trainer/main.o $(OBJ_TRAINER) $(OBJ_BASE)
	@mkdir -p $(@D)
	$(call say,LINK)
	$(LINK) $(LIBS_TRAINER)

$(UNIT): $(BUILD)/tests/%: $(BUILD)/tests/unit/%.o $$(call archives,$$(call module,$$*))
	$(call say,LINK)
	$(LINK) $(call libs,$(call module,$@)) $(or $(call pkg,--libs cmocka),-lcmocka)
$(HELPERS) $(BENCHES) $(MODELS): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/libtrainer.a $(BUILD)/librung.a
	$(call say,LINK)
	$(LINK) $(LIBS_ALL) $(or $(call pkg,--libs cmocka),-lcmocka)
$(FUZZERS): $(BUILD)/%: $(BUILD)/%.o $$(call archives,$$(call module,$$*))
	$(call say,LINK)
	$(LINK) -fsanitize=fuzzer $(call libs,$(call module,$@))

MAN := $(patsubst docs/commands/%.md,$(BUILD)/man/%.1,$(wildcard docs/commands/*.md))
$(BUILD)/man/%.1: docs/commands/%.md docs/man.sh include/rung/version.h
	@mkdir -p $(@D)
	$(call say,MAN )
	$Qdocs/man.sh $< > $@.tmp && mv $@.tmp $@

D = $(DESTDIR)$(PREFIX)
man_name = $(if $(filter rung%,$(notdir $1)),$(notdir $1),rung-$(notdir $1))
install: all $(MAN)
	$(INSTALL) -d $D/bin $D/lib/pkgconfig $D/include/rung $D/share/man/man1 $D/share/bash-completion/completions
	$(INSTALL) -m 755 $(BIN)/rung $(BIN)/rung-trainer $D/bin
	$(INSTALL) -m 644 $(BIN)/librung-trainer.a $D/lib
	$(INSTALL) -m 644 include/rung/*.h $D/include/rung
	printf '%s\n' 'prefix=$(PREFIX)' 'Name: rung-trainer' 'Description: write trainers for rung in C' \
		"Version: $$(sed -n 's/.*RUNG_VERSION "\(.*\)".*/\1/p' include/rung/version.h)" 'Requires: libcjson' \
		'Cflags: -I$${prefix}/include' 'Libs: -L$${prefix}/lib -lrung-trainer -lm' > $D/lib/pkgconfig/rung-trainer.pc
	$(foreach m,$(MAN),$(INSTALL) -m 644 $m $D/share/man/man1/$(call man_name,$m) &&) true
	! test -f docs/completion.bash || $(INSTALL) -m 644 docs/completion.bash $D/share/bash-completion/completions/rung

uninstall:
	rm -f $D/bin/rung $D/bin/rung-trainer $D/lib/librung-trainer.a $D/lib/pkgconfig/rung-trainer.pc \
		$(foreach m,$(MAN),$D/share/man/man1/$(call man_name,$m)) $D/share/bash-completion/completions/rung
	rm -rf $D/include/rung

clean:
	rm -rf $(BUILD)
	$(if $(filter bin,$(BIN)),rm -rf bin)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)
