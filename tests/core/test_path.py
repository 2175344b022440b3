"""Which path a series goes to: safe whatever CloudWatch calls it, and never the same for two identities."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Mapping, Sequence
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cwarchive.core.line import LONGEST_PATH, is_path
from cwarchive.core.path import Bound, assign, candidates, fields, render
from cwarchive.core.series import Cell
from tests.builders import CELL, a_bound, a_metric

DEFAULT = "{region}.{namespace}.{dimensions}.{metric}.{statistic}"
PROD = Cell("prod", "us-east-1")


def path(bound: Bound, template: str = DEFAULT, prefix: str = "cloudwatch") -> str:
    return render(template, prefix, bound).path


def an_instance(value: str, statistic: str = "Average") -> Bound:
    return a_bound(a_metric(dimensions={"InstanceId": value}), statistic)


def digest(bound: Bound, digits: int = 8) -> str:
    return hashlib.sha256(bound.identity.encode()).hexdigest()[:digits]


def paths(
    bounds: Sequence[Bound], owners: Mapping[str, str] | None = None, template: str = DEFAULT
) -> dict[Bound, str]:
    rendered = [(bound, render(template, "cloudwatch", bound)) for bound in bounds]
    return dict(assign(rendered, owners or {}))


# --- the template ---


def test_the_default_template_reads_like_the_console() -> None:
    assert path(a_bound()) == "cloudwatch.eu-west-1.AWS.EC2.InstanceId.i-0abc.CPUUtilization.Average"


def test_without_dimensions_their_dot_goes_too() -> None:
    assert path(a_bound(a_metric(dimensions=()))) == "cloudwatch.eu-west-1.AWS.EC2.CPUUtilization.Average"


def test_dimensions_are_nodes_in_the_order_of_their_names() -> None:
    metric = a_metric(dimensions={"Zone": "b", "Disk": "sda"})

    assert path(a_bound(metric), "{dimensions}.{metric}") == "cloudwatch.Disk.sda.Zone.b.CPUUtilization"


@pytest.mark.parametrize(
    ("namespace", "expected"),
    [("AWS/EC2", "AWS.EC2"), ("a/b/c", "a.b.c"), ("/a//b/", "a.b"), ("My App", "My_App"), ("ECS.Custom", "ECS_Custom")],
)
def test_a_slash_of_the_namespace_parts_nodes(namespace: str, expected: str) -> None:
    assert (
        path(a_bound(a_metric(namespace=namespace)), "{namespace}.{metric}") == f"cloudwatch.{expected}.CPUUtilization"
    )


def test_one_dimension_can_be_named() -> None:
    template = "ec2.{dimension.InstanceId}.{metric}"

    assert path(a_bound(), template) == "cloudwatch.ec2.i-0abc.CPUUtilization"
    assert path(a_bound(a_metric(dimensions={"Other": "x"})), template) == "cloudwatch.ec2.CPUUtilization"


def test_a_named_dimension_may_have_dots_in_its_name() -> None:
    bound = a_bound(a_metric(dimensions={"k8s.io/name": "web"}))

    assert path(bound, "{dimension.k8s.io/name}.{metric}") == "cloudwatch.web.CPUUtilization"


def test_several_placeholders_share_a_node() -> None:
    assert path(a_bound(), "{region}-{metric}.{dimensions}_all.{statistic}_{period}") == (
        "cloudwatch.eu-west-1-CPUUtilization.InstanceId_i-0abc_all.Average_60"
    )


def test_a_named_account_is_put_behind_the_prefix() -> None:
    bound = a_bound(a_metric(dimensions=(), cell=PROD))

    assert path(bound, "{region}.{metric}", "a.b") == "a.b.prod.us-east-1.CPUUtilization"


def test_a_template_that_names_the_account_decides_where_it_stands() -> None:
    bound = a_bound(a_metric(dimensions=(), cell=PROD))

    assert path(bound, "{region}.{account}.{metric}") == "cloudwatch.us-east-1.prod.CPUUtilization"


def test_the_ambient_account_has_no_node() -> None:
    assert path(a_bound(), "{account}.{region}.{metric}") == "cloudwatch.eu-west-1.CPUUtilization"


def test_an_empty_prefix_leaves_no_empty_node() -> None:
    assert path(a_bound(), "{region}..{metric}", "") == "eu-west-1.CPUUtilization"


def test_the_fields_of_a_template_are_told() -> None:
    assert fields("{region}.x-{dimension.Instance.Id}.{statistic}") == ["region", "dimension.Instance.Id", "statistic"]


# --- safe nodes ---


@pytest.mark.parametrize(
    ("value", "node"),
    [
        ("i-0abc_DEF", "i-0abc_DEF"),
        ("app/my-alb/50dc", "app_my-alb_50dc"),
        ("a.b", "a_b"),
        ("two words", "two_words"),
        ("line\nbreak\ttab", "line_break_tab"),
        ("100%d %s", "100_d__s"),
        ("Größe", "Gr__e"),
        ("日本", "__"),
        ("٣", "_"),
        ("🙂", "_"),
        ("a;tag=b", "a_tag_b"),
        ("*{a,b}?[c]", "__a_b___c_"),
        (" ", "_"),
        ("..", "__"),
    ],
)
def test_what_is_not_a_letter_digit_underscore_or_hyphen_becomes_an_underscore(value: str, node: str) -> None:
    assert path(an_instance(value), "{dimension.InstanceId}.{metric}") == f"cloudwatch.{node}.CPUUtilization"


@pytest.mark.parametrize(
    ("statistic", "node"), [("p99.9", "p99_9"), ("TM(10%:90%)", "TM_10__90__"), ("PR(:300)", "PR__300_")]
)
def test_a_statistic_becomes_one_safe_node(statistic: str, node: str) -> None:
    assert path(a_bound(statistic=statistic)).endswith(f".CPUUtilization.{node}")


def test_a_node_of_250_bytes_stays() -> None:
    assert path(an_instance("v" * 250), "{dimension.InstanceId}") == "cloudwatch." + "v" * 250


@pytest.mark.parametrize("length", [251, 255, 1_024])
def test_a_longer_node_is_cut_to_240_and_hashed(length: int) -> None:
    value = "v" * length

    node = path(an_instance(value), "{dimension.InstanceId}").removeprefix("cloudwatch.")

    assert node == "v" * 240 + "_" + hashlib.sha256(value.encode()).hexdigest()[:8]


def test_long_values_with_one_beginning_get_different_nodes() -> None:
    one, other = an_instance("v" * 255 + "a"), an_instance("v" * 255 + "b")

    assert path(one) != path(other)


def test_a_metric_with_thirty_long_dimensions_fits_a_path() -> None:
    dimensions = {f"{number:02}" + "名" * 253: "v" * 1_000 + str(number) for number in range(30)}
    metric = a_metric("m" * 255, dimensions, namespace="n" * 255)
    bound = a_bound(metric, "TM(0.0000000001%:99.9999999999%)")

    rendered = render(DEFAULT, "cloudwatch.archive", bound)

    assert all(is_path(text) for text in candidates(rendered, bound.identity))
    assert len(rendered.nodes) == len(set(rendered.nodes)) == 66


def test_two_metrics_that_differ_in_the_last_of_thirty_long_dimensions_get_different_paths() -> None:
    common = {f"{number:02}" + "d" * 253: "v" * 1_000 for number in range(29)}
    one, other = (a_bound(a_metric(dimensions={**common, "z": "v" * 1_000 + last})) for last in "ab")

    assert path(one) != path(other)


# --- who gets a path that two want ---

PLAIN = "cloudwatch.eu-west-1.AWS.EC2.InstanceId.a_b.CPUUtilization.Average"


def suffixed(bound: Bound, digits: int = 8) -> str:
    return f"cloudwatch.eu-west-1.AWS.EC2.InstanceId.a_b_{digest(bound, digits)}.CPUUtilization.Average"


def test_the_owner_keeps_its_path_and_a_newcomer_yields_even_unaltered() -> None:
    owner, newcomer = an_instance("a/b"), an_instance("a_b")

    given_paths = paths([newcomer], {PLAIN: owner.identity})

    assert given_paths == {newcomer: PLAIN.replace("CPUUtilization", f"CPUUtilization_{digest(newcomer)}")}


def test_an_identity_that_owns_a_path_gets_it_again() -> None:
    owner, newcomer = an_instance("a/b"), an_instance("a b")

    assert paths([newcomer, owner], {PLAIN: owner.identity}) == {owner: PLAIN, newcomer: suffixed(newcomer)}


def test_among_newcomers_the_one_whose_text_was_unaltered_wins() -> None:
    altered, unaltered = an_instance("a/b"), an_instance("a_b")

    assert altered.identity < unaltered.identity
    assert paths([altered, unaltered]) == {unaltered: PLAIN, altered: suffixed(altered)}


def test_who_comes_first_does_not_matter() -> None:
    rivals = [an_instance(value) for value in ("a b", "a/b", "a_b", "a%b")]

    outcomes = {frozenset(paths(order).items()) for order in permutations(rivals)}

    assert len(outcomes) == 1


def test_the_suffix_goes_to_the_first_altered_node() -> None:
    metrics = [a_metric("free space", {"Disk": value}, namespace="My App") for value in ("/dev/a", "/dev a")]
    bounds = [a_bound(metric) for metric in metrics]

    _, loser = sorted(bounds, key=lambda bound: bound.identity)

    assert paths(bounds)[loser] == (
        f"cloudwatch.eu-west-1.My_App_{digest(loser)}.Disk._dev_a.free_space.Average"
    )  # fmt: skip


@pytest.mark.parametrize(
    "template", ["{namespace}.{metric}.{statistic}", "{statistic}.{metric}", "x.{metric}_{statistic}"]
)
def test_the_suffix_never_goes_to_the_statistic(template: str) -> None:
    bounds = [a_bound(a_metric(dimensions={"A": value}), "p99.9") for value in "xy"]
    rendered = [render(template, "cloudwatch", bound) for bound in bounds]

    (loser,) = set(paths(bounds, template=template).values()) - {rendered[0].path}

    assert loser.split(".")[rendered[0].statistic] == rendered[0].nodes[rendered[0].statistic]


def test_a_prefix_that_had_to_change_takes_no_suffix() -> None:
    bounds = [an_instance("a/b"), an_instance("a b")]

    losers = [render(DEFAULT, "my prefix", bound).told_apart(bound.identity) for bound in bounds]

    assert losers[0].startswith("my_prefix.eu-west-1.AWS.EC2.InstanceId.a_b_")


def test_two_unaltered_metrics_on_one_path_are_told_apart_before_the_statistic() -> None:
    nested = a_bound(a_metric("m", (), namespace="A/B/C"))
    flat = a_bound(a_metric("m", {"B": "C"}, namespace="A"))

    given_paths = paths([nested, flat])

    assert len(set(given_paths.values())) == 2
    assert all(text.endswith(".Average") for text in given_paths.values())


def test_a_suffix_that_another_metric_has_for_a_name_is_lengthened() -> None:
    rivals = [an_instance("a_b"), an_instance("a/b")]
    squatter = an_instance(f"a_b_{digest(rivals[1])}")

    given_paths = paths([*rivals, squatter])

    assert given_paths[squatter] == suffixed(rivals[1])
    assert given_paths[rivals[1]] == suffixed(rivals[1], 16)


def test_a_suffix_that_another_identity_owns_is_lengthened() -> None:
    rivals = [an_instance("a_b"), an_instance("a/b")]

    given_paths = paths(rivals, {suffixed(rivals[1]): "someone else"})

    assert given_paths[rivals[1]] == suffixed(rivals[1], 16)


def test_two_identities_with_the_same_eight_digits_are_told_apart_in_any_order() -> None:
    plain, one, other = (
        an_instance("".join(" /_"[code >> bit & 1] for bit in range(19))) for code in (0, 77_121, 130_679)
    )
    assert digest(one) == digest(other) != digest(plain)

    outcomes = [paths(order) for order in permutations([plain, one, other])]

    assert len(set(outcomes[0].values())) == 3
    assert all(outcome == outcomes[0] for outcome in outcomes)


def test_the_order_does_not_matter_either_where_suffixed_paths_of_two_nodes_meet() -> None:
    bounds = [an_instance("/" + "v" * 240 + f"{number:06}") for number in (88_243, 157_951)]
    owners = {path(bound): "someone else" for bound in bounds}
    assert digest(bounds[0]) == digest(bounds[1])

    forwards, backwards = paths(bounds, owners), paths(bounds[::-1], owners)

    assert forwards == backwards
    assert len(set(forwards.values())) == 2


def test_every_path_an_identity_can_get_is_among_its_candidates() -> None:
    bound = an_instance("a/b")

    told = candidates(render(DEFAULT, "cloudwatch", bound), bound.identity)

    assert told == (PLAIN, suffixed(bound), suffixed(bound, 16))


def test_statistics_of_one_metric_never_share_a_path() -> None:
    bounds = [a_bound(statistic=statistic) for statistic in ("TM(1.5:2)", "TM(1:5.2)", "TM(1:5:2)")]

    assert len(set(paths(bounds).values())) == 3


def test_periods_that_the_template_names_part_paths_also_where_a_suffix_is_needed() -> None:
    bounds = [
        a_bound(a_metric(dimensions={"A": value}), period=period) for value in ("x/y", "x y") for period in (60, 300)
    ]

    assert len(set(paths(bounds, template="{dimensions}.{period}.{statistic}").values())) == 4


# --- fuzz ---

ALPHABET = "ab01_-./ %\n\té日🙂\x00\x7f\u00a0\u3000;=,*?[]{}\\\"'"


def test_five_thousand_awkward_values_get_five_thousand_safe_paths() -> None:
    draw = random.Random(20_250_615)
    values = {"".join(draw.choices(ALPHABET, k=draw.choice((2, 3, 4, 8, 255)))) for _ in range(7_000)}
    bounds = [an_instance(value) for value in sorted(values)[:5_000]]

    given_paths = paths(bounds)

    assert len(bounds) == 5_000
    assert len(set(given_paths.values())) == 5_000
    assert all(is_path(text) for text in given_paths.values())


texts = st.text(min_size=1, max_size=8)
bounds_strategy = st.builds(
    lambda namespace, name, dimensions, statistic: a_bound(
        a_metric(name, dimensions, namespace=namespace, cell=CELL), statistic
    ),
    texts,
    texts,
    st.dictionaries(texts, texts, max_size=3),
    st.sampled_from(("Average", "p99.9", "TM(1.5:2)", "TM(1:5.2)")),
)
templates = st.sampled_from(
    (DEFAULT, "{metric}.{statistic}", "{namespace}_{dimensions}.{statistic}", "{dimension.a}.x y.{metric}{statistic}")
)


@given(st.lists(bounds_strategy, max_size=12, unique=True), templates)
def test_no_two_identities_share_a_path_and_every_path_is_safe(bounds: list[Bound], template: str) -> None:
    given_paths = paths(bounds, template=template)

    assert len(given_paths) == len(bounds)
    assert len(set(given_paths.values())) == len(bounds)
    assert all(is_path(text) and len(text) <= LONGEST_PATH for text in given_paths.values())


@given(st.lists(bounds_strategy, max_size=8, unique=True), st.data())
def test_paths_do_not_depend_on_the_order_or_on_what_was_assigned_before(
    bounds: list[Bound], data: st.DataObject
) -> None:
    at_once = paths(bounds)

    again = paths(data.draw(st.permutations(bounds)), {text: bound.identity for bound, text in at_once.items()})

    assert again == at_once
    assert paths(data.draw(st.permutations(bounds))) == at_once


@given(bounds_strategy, templates)
def test_a_safe_path_is_rendered_unchanged(bound: Bound, template: str) -> None:
    for node in render(template, "cloudwatch", bound).nodes:
        again = render("{metric}", "", a_bound(a_metric(node)))

        assert (again.path, again.altered) == (node, None)
