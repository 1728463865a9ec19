"""Words that tell whether a name is a woman's or a man's: titles, kinship, common first names."""

from __future__ import annotations

FEMALE = frozenset(
    """mrs ms miss lady queen princess woman girl mother sister daughter wife aunt grandmother
    anna anne ann maria mary marie clara klara eva emma ella ida ilse elsa else elena helen helena
    julia laura lena lisa lucy martha nina nora olga paula petra rosa ruth sara sarah sofia sophie
    tina vera agnes alice amelia astrid berta birgit carla cecilia charlotte christina diana dora
    edith elisabeth elizabeth emilia erika esther eleanor fiona flora frida gerda grace greta hanna
    hannah hedwig hilda ingrid irene iris isabel jane jenny joan johanna judith karin kate
    katharina leonie linda louise magda margaret marta miriam monika natalie olivia rebecca renate
    sabine sally silvia simone susan teresa ursula victoria yvonne zoe""".split()  # noqa: SIM905
)
MALE = frozenset(
    """mr sir king prince man boy father brother son husband uncle grandfather
    adam albert alexander alfred andreas andrew anton arthur ben bernard boris bruno carl charles
    christian christopher conrad daniel david dennis edgar eduard edward emil eric erik ernst felix
    ferdinand frank franz fred frederick fritz georg george gerald gregor gustav hans harold harry
    heinrich henry herbert hugo igor ivan jack jakob james jan joachim johann john jonas josef
    joseph julius karl konrad kurt lars leo leon leonard louis ludwig lukas marcus mario mark
    markus martin matthew max michael nicholas nils noah olaf oliver oscar oskar otto patrick paul
    peter philip pierre ralph richard robert roger rolf rudolf samuel sebastian simon stefan steven
    sven theo theodor thomas tobias tom viktor vincent walter werner wilhelm william
    wolfgang""".split()  # noqa: SIM905
)
