"""Programs made at random give the numbers of Python, with numbers and with tensors."""

from __future__ import annotations

import itertools
import linecache
import random
from typing import Any

import pytest

import tideflow as tf
from tideflow._src.function.autograph.conversion import convert

VARIABLES = ("a", "b", "c")
PRELUDE = """\
    pair, table = [a, b], {"k": c}
    def changed(step):
        nonlocal c
        if step > 0:
            c = c + step % 3
        else:
            return step
        return c - 1""".splitlines()
_numbers = itertools.count()


class Programs:
    """Makes functions of three integers out of statements that end."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._loops = 0

    def function(self) -> str:
        lines = ["def program(a, b, c):", *PRELUDE, *self.block(1, 3, False)]
        lines.append(f"    return {self.expression()} + pair[0] * 5 + table['k']")
        return "\n".join(lines) + "\n"

    def expression(self) -> str:
        pick = self._random
        one = pick.choice(VARIABLES)
        return pick.choice([
            one, str(pick.randint(-3, 5)), f"{one} + {pick.choice(VARIABLES)}", f"{one} - {pick.randint(1, 4)}",
            f"({one} * 3) % 7", f"({one} if {self.condition()} else {pick.choice(VARIABLES)} + 1)",
            f"pair[{pick.randint(0, 1)}] - 1",
        ])  # fmt: skip

    def condition(self) -> str:
        pick = self._random
        simple = f"{pick.choice(VARIABLES)} {pick.choice(['<', '>', '<=', '==', '!='])} {pick.randint(-2, 6)}"
        return pick.choice([
            simple, simple, f"not {simple}", f"{simple} and {pick.choice(VARIABLES)} > 0",
            f"{simple} or {pick.choice(VARIABLES)} % 2 == 0", f"-4 < {pick.choice(VARIABLES)} < {pick.randint(0, 9)}",
        ])  # fmt: skip

    def block(self, depth: int, budget: int, in_loop: bool) -> list[str]:
        lines: list[str] = []
        for _ in range(self._random.randint(1, 2)):
            lines += self.statement(depth, budget, in_loop)
        return lines

    def statement(self, depth: int, budget: int, in_loop: bool) -> list[str]:
        pick, indent = self._random, "    " * depth
        kind = pick.choice(["assign", "assign", "item", "call", "if", "if", "for", "while", "jump", "try"])
        if kind == "assign" or budget == 0:
            return [f"{indent}{pick.choice(VARIABLES)} = {self.expression()}"]
        if kind == "item":
            return [f"{indent}{pick.choice(['pair[0]', 'pair[1]', 'table[KEY]'])} = {self.expression()}"]
        if kind == "call":
            return [f"{indent}{pick.choice(['a', 'b', 'pair[1]'])} = changed({self.expression()})"]
        if kind == "try":
            final = [f"{indent}finally:", f"{indent}    {pick.choice(VARIABLES)} = {self.expression()}"]
            return [f"{indent}try:", *self.block(depth + 1, budget - 1, in_loop), *final]
        if kind == "if":
            lines = [f"{indent}if {self.condition()}:", *self.block(depth + 1, budget - 1, in_loop)]
            if pick.random() < 0.4:
                lines += [f"{indent}elif {self.condition()}:", *self.block(depth + 1, budget - 1, in_loop)]
            if pick.random() < 0.5:
                lines += [f"{indent}else:", *self.block(depth + 1, budget - 1, in_loop)]
            return lines
        if kind == "jump":
            jump = (
                pick.choice(["break", "continue"]) if in_loop and pick.random() < 0.7 else f"return {self.expression()}"
            )
            return [f"{indent}if {self.condition()}:", f"{indent}    {jump}"]
        self._loops += 1
        name = f"i{self._loops}"
        otherwise = [f"{indent}else:", *self.block(depth + 1, budget - 1, in_loop)] if pick.random() < 0.3 else []
        if kind == "for":
            head = [f"{indent}for {name} in RANGE({pick.randint(0, 4)}):"]
            first = [f"{indent}    {pick.choice(VARIABLES)} = {pick.choice(VARIABLES)} + {name}"]
            return [*head, *first, *self.block(depth + 1, budget - 1, True), *otherwise]
        head = [f"{indent}{name} = ZERO()", f"{indent}while {name} < {pick.randint(1, 4)} and ({self.condition()}):"]
        return [*head, f"{indent}    {name} = {name} + 1", *self.block(depth + 1, budget - 1, True), *otherwise]


def made(source: str, **names: Any) -> Any:
    """Returns the function that a source defines, which is found like that of a notebook's cell."""
    file = f"<program {next(_numbers)}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    exec(compile(source, file, "exec"), names)
    return names["program"]


@pytest.mark.parametrize("seed", range(40))
def test_a_program_gives_the_same_numbers_with_tensors(seed: int) -> None:
    source = Programs(seed).function()
    plain = made(source, RANGE=range, ZERO=int, KEY="k")
    staged = tf.function(made(source, RANGE=tf.range, ZERO=lambda: tf.constant(0), KEY="k"))
    converted = convert(made(source, RANGE=lambda size: list(range(size)), ZERO=lambda: 0, KEY="k"))
    for numbers in ((1, 2, 3), (0, -2, 5), (4, 0, -1)):
        expected = plain(*numbers)
        assert converted(*numbers) == expected, source
        assert staged(*[tf.constant(number) for number in numbers]).numpy() == expected, source
