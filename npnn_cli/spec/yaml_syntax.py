"""PyYAML's syntax errors in words for people who do not know YAML's grammar."""

from __future__ import annotations

import re

import yaml

from npnn_cli.spec.errors import Mistake

# What PyYAML says (context, line break, problem) -> what we say. `{0}` is what the pattern's group holds, `{line}` is
# where the construct begins in which the problem was found.
_WHERE_THE_CONSTRUCT_BEGINS = {
    r"could not find expected ':'": "expected ':' after this key",
    r"expected ',' or '.', but got '<stream end>'": "this bracket is never closed",
    r"found unexpected (end of stream|document separator)": "this quote is never closed",
    r"(an alias|an anchor|a tag|tag handle|a block scalar)\b": (
        "'*', '&', '!', '|' and '>' have a meaning of their own at the beginning of a text: put it in quotes"
    ),
    r"directive|incompatible YAML": "a line that begins with '%' is an instruction to YAML readers: leave it out",
}
_WHERE_THE_PROBLEM_IS = {
    r"found character '\\t'": "a tab cannot stand here: indent with spaces",
    r"found character '(.)'": "a value cannot begin with {0}: put it in quotes",
    r"mapping values are not allowed": (
        "this ':' cannot stand here: check the indentation and the line above, and put a text that holds ': ' in quotes"
    ),
    r"sequence entries are not allowed": "a list item '-' cannot stand here: begin a new line, check the indentation",
    r"mapping keys are not allowed": "a '?' cannot stand here: put a text that begins with it in quotes",
    r"expected <block end>": "this does not fit what begins in line {line}: check the indentation, brackets and quotes",
    r"expected ',' or '(.)'": "expected ',' or '{0}' here, for the bracket that is opened in line {line}",
    r"expected the node content, but found '<": "expected a value here",
    r"expected the node content, but found '(.)'": "expected a value here, got '{0}'",
    r"expected '<document start>'": "nothing may follow the end of the spec: check the indentation and brackets",
    r"but found another document": "a second document begins here: a file holds one spec",
    r"unknown escape character|escape sequence": "unknown escape: where '\\' is meant as such, use single quotes",
    r"\n(this is nested .*)": "{0}",
    r"\n(.*)": "this is not valid YAML: {0}",
}


def explain(error: yaml.MarkedYAMLError, source: str) -> Mistake:
    """Say in plain words what a syntax error means, at the place where a person would look for it."""
    text = f"{error.context}\n{error.problem}"
    start = error.context_mark or error.problem_mark
    for mark, explanations in ((start, _WHERE_THE_CONSTRUCT_BEGINS), (error.problem_mark, _WHERE_THE_PROBLEM_IS)):
        for pattern, words in explanations.items():
            if mark and start and (match := re.search(pattern, text)):
                message = words.format(*match.groups(), line=start.line + 1)
                return Mistake(source, mark.line + 1, mark.column + 1, message)
    return Mistake(source, 0, 0, f"is not valid YAML: {error}")
