"""The look: one set of colour roles, dark or light, as a Qt palette and a short style sheet over Fusion."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from shiboken6 import isValid

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

from rgbd_seg.assets import asset

Choice = Literal["system", "dark", "light"]
_A_TURN = 40  # Widgets that are given another look in one turn of Qt's loop: a few milliseconds.


@dataclass(frozen=True, slots=True)
class Theme:
    """Colour roles as `#rrggbb`."""

    name: Literal["dark", "light"]
    background: str
    panel: str
    raised: str
    line: str
    text: str
    quiet: str
    accent: str
    on_accent: str
    record: str = "#e5484d"
    warning: str = "#f5a524"
    good: str = "#3fb27f"


DARK = Theme("dark", "#1b1c1f", "#232529", "#2d3035", "#33363b", "#e8e8ea", "#9a9da3", "#4f9cf9", "#0d1117")
LIGHT = Theme(
    "light",
    "#f7f7f8",
    "#ffffff",
    "#ececef",
    "#d9dadf",
    "#1d1e21",
    "#62656c",
    "#1f6fd6",
    "#ffffff",
    "#d3353b",
    "#b26a00",
)


# The same roles in the words of style sheets, which look them up in the application's palette.
_IN_PALETTE = Theme(
    "dark",
    "palette(window)",
    "palette(base)",
    "palette(button)",
    "palette(mid)",
    "palette(text)",
    "palette(placeholder-text)",
    "palette(highlight)",
    "palette(highlighted-text)",
    "palette(bright-text)",
    "palette(link-visited)",
)


def resolve(choice: Choice) -> Theme:
    """The theme for a choice; "system" is dark unless the system asks for light."""
    if choice == "system":
        scheme = QGuiApplication.styleHints().colorScheme()
        return LIGHT if scheme == Qt.ColorScheme.Light else DARK
    return LIGHT if choice == "light" else DARK


def apply_theme(application: QApplication, choice: Choice) -> Theme:
    """Gives the whole application the look and returns it."""
    hints = application.styleHints()
    if choice == "system":
        hints.unsetColorScheme()
    else:
        hints.setColorScheme(Qt.ColorScheme.Light if choice == "light" else Qt.ColorScheme.Dark)
    theme = resolve(choice)
    if application.property("theme") == theme.name:
        return theme
    first = application.property("theme") is None
    if first:  # Once: each of these visits every widget there is.
        application.setStyle("Fusion")
        font = application.font()
        font.setPixelSize(13)
        font.setHintingPreference(QFont.HintingPreference.PreferVerticalHinting)
        font.setFeature(QFont.Tag("tnum"), 1)  # Figures of one width: numbers do not jitter.
        application.setFont(font)
    application.setProperty("theme", theme.name)
    application.setPalette(_palette(theme))
    if first:
        application.setStyleSheet(_style_sheet(_IN_PALETTE))
    else:
        _look_up_again(application)
    return theme


def _look_up_again(application: QApplication) -> None:
    """Has the widgets take the style sheet's colours from the palette of now.

    Setting the sheet anew would do that too, but Qt then visits each widget once more for every widget that it is in.
    Those out of sight follow in turns of Qt's loop, a few in each.
    """
    widgets = application.allWidgets()
    for widget in widgets:
        if widget.isVisible():
            _polish(widget)
    _polish_later([widget for widget in widgets if not widget.isVisible()])


def _polish_later(widgets: list[QWidget]) -> None:
    for widget in widgets[:_A_TURN]:
        if isValid(widget):
            _polish(widget)
    if len(widgets) > _A_TURN:
        QTimer.singleShot(0, lambda: _polish_later(widgets[_A_TURN:]))


def _polish(widget: QWidget) -> None:
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()


def _palette(theme: Theme) -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for target, color in (
        (role.Window, theme.background),
        (role.WindowText, theme.text),
        (role.Base, theme.panel),
        (role.AlternateBase, theme.raised),
        (role.Text, theme.text),
        (role.Button, theme.raised),
        (role.ButtonText, theme.text),
        (role.BrightText, theme.record),
        (role.Highlight, theme.accent),
        (role.HighlightedText, theme.on_accent),
        (role.Link, theme.accent),
        (role.LinkVisited, theme.warning),  # No text here has such links: the style sheet has no other name for it.
        (role.ToolTipBase, theme.raised),
        (role.ToolTipText, theme.text),
        (role.PlaceholderText, theme.quiet),
        (role.Mid, theme.line),
        (role.Dark, theme.line),
        (role.Midlight, theme.raised),
        (role.Light, theme.raised),
        (role.Shadow, theme.background),
        (role.Accent, theme.accent),
    ):
        palette.setColor(target, QColor(color))
    for target in (role.Text, role.ButtonText, role.WindowText, role.HighlightedText):
        faded = QColor(theme.quiet)
        faded.setAlpha(130)
        palette.setColor(QPalette.ColorGroup.Disabled, target, faded)
    return palette


def _style_sheet(theme: Theme) -> str:
    return f"""
    QMainWindow::separator {{ background: {theme.background}; width: 4px; height: 4px; }}
    QMainWindow::separator:hover {{ background: {theme.accent}; }}
    QToolBar {{ background: {theme.panel}; border: 0; padding: 4px 6px; spacing: 4px; }}
    QStatusBar {{ background: {theme.panel}; }}
    QStatusBar::item {{ border: 0; }}
    QToolTip {{ background: {theme.raised}; color: {theme.text}; border: 1px solid {theme.line}; padding: 4px; }}
    QToolButton {{ border: 0; border-radius: 5px; padding: 5px; background: transparent; }}
    QToolButton:hover {{ background: {theme.raised}; }}
    QToolButton:pressed, QToolButton:checked {{ background: {theme.line}; }}
    QToolButton:focus {{ outline: 0; border: 1px solid {theme.accent}; padding: 4px; }}
    QToolButton::menu-indicator {{ image: none; }}
    QToolButton[popupMode="1"] {{ padding-right: 18px; }}
    QToolButton::menu-button {{ border: 0; width: 16px; }}
    QToolButton::menu-arrow {{ image: url("{asset("icons/combo-arrow.svg").as_posix()}"); width: 14px; height: 14px; }}
    QToolButton#wide {{ background: {theme.raised}; padding: 5px 10px; }}
    QToolButton#wide:hover {{ background: {theme.line}; }}
    QToolButton#record {{ background: {theme.raised}; padding: 5px 12px; }}
    QToolButton#record:checked {{ background: {theme.record}; color: #ffffff; }}
    QPushButton {{ background: {theme.raised}; border: 0; border-radius: 5px; padding: 6px 12px; }}
    QPushButton:hover {{ background: {theme.line}; }}
    QPushButton:checked {{ background: {theme.accent}; color: {theme.on_accent}; }}
    QPushButton:disabled {{ color: {theme.quiet}; background: transparent; border: 1px solid {theme.line}; }}
    QPushButton:focus {{ outline: 0; border: 1px solid {theme.accent}; padding: 5px 11px; }}
    QPushButton#primary {{ background: {theme.accent}; color: {theme.on_accent}; }}
    QPushButton#primary:disabled {{ color: {theme.quiet}; background: transparent; }}
    QPushButton#choice {{ padding: 20px 12px; border-radius: 8px; text-align: center; }}
    QLineEdit, QComboBox, QSpinBox, QDoubleSpinBox {{
        background: {theme.raised}; border: 1px solid transparent; border-radius: 5px; padding: 4px 8px;
        min-height: 18px;
        selection-background-color: {theme.accent}; }}
    QLineEdit:focus, QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus {{ border-color: {theme.accent}; }}
    QAbstractSpinBox::up-button, QAbstractSpinBox::down-button {{ border: 0; background: transparent; width: 18px; }}
    QAbstractSpinBox::up-arrow {{ image: url("{asset("icons/spin-up.svg").as_posix()}"); width: 14px; height: 14px; }}
    QAbstractSpinBox::down-arrow {{
        image: url("{asset("icons/combo-arrow.svg").as_posix()}"); width: 14px; height: 14px; }}
    QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
    QComboBox::drop-down {{ border: 0; width: 20px; }}
    QComboBox::down-arrow {{ image: url("{asset("icons/combo-arrow.svg").as_posix()}"); width: 16px; height: 16px; }}
    QComboBox QAbstractItemView {{ background: {theme.raised}; border: 1px solid {theme.line}; }}
    QMenu {{ background: {theme.panel}; border: 1px solid {theme.line}; padding: 4px; }}
    QMenu::item {{ padding: 6px 24px 6px 12px; border-radius: 4px; }}
    QMenu::item:selected {{ background: {theme.accent}; color: {theme.on_accent}; }}
    QMenu::item:disabled {{ color: {theme.quiet}; }}
    QMenu::separator {{ height: 1px; background: {theme.line}; margin: 4px 8px; }}
    QDockWidget {{ color: {theme.quiet}; }}
    QDockWidget > QWidget {{ background: {theme.panel}; }}
    QTreeView, QListView, QTableView, QPlainTextEdit, QTextEdit {{
        background: {theme.panel}; border: 1px solid transparent; outline: 0; }}
    QTreeView:focus, QListView:focus, QTableView:focus, QPlainTextEdit:focus, QTextEdit:focus {{
        border-color: {theme.accent}; }}
    QCheckBox, QRadioButton {{ border: 1px solid transparent; border-radius: 4px; padding: 1px; outline: 0; }}
    QCheckBox:focus, QRadioButton:focus {{ border-color: {theme.accent}; }}
    QCheckBox::indicator, QTreeView::indicator, QListView::indicator {{
        width: 13px; height: 13px; border: 1px solid {theme.quiet}; border-radius: 3px; background: {theme.raised}; }}
    QCheckBox::indicator:checked, QTreeView::indicator:checked, QListView::indicator:checked {{
        image: url("{asset("icons/tick.svg").as_posix()}"); }}
    QCheckBox::indicator:disabled {{ border-color: {theme.line}; }}
    QTreeView::item, QListView::item {{ padding: 3px 0; }}
    QTreeView::item:hover, QListView::item:hover, QTableView::item:hover {{ background: {theme.raised}; }}
    QTreeView::item:selected, QListView::item:selected, QTableView::item:selected {{
        background: {theme.line}; color: {theme.text}; }}
    QHeaderView::section {{ background: {theme.panel}; color: {theme.quiet}; border: 0; padding: 2px 4px; }}
    QTableCornerButton::section {{ background: {theme.panel}; border: 0; }}
    QHeaderView {{ background: {theme.panel}; }}
    QTabBar {{ qproperty-elideMode: ElideNone; qproperty-drawBase: 0; }}
    QTabBar::tab {{
        background: {theme.background}; color: {theme.quiet}; padding: 6px 7px; border: 0; font-size: 12px; }}
    QTabBar::tab:selected {{ background: {theme.panel}; color: {theme.text}; }}
    QTabBar::tab:selected:focus {{ border-bottom: 2px solid {theme.accent}; }}
    QTabWidget::pane {{ border: 0; }}
    QScrollArea {{ border: 0; background: {theme.panel}; }}
    QScrollArea > QWidget > QWidget {{ background: {theme.panel}; }}
    QDialog QScrollArea, QDialog QScrollArea > QWidget > QWidget {{ background: {theme.background}; }}
    QScrollBar:vertical {{ background: transparent; width: 8px; margin: 0; }}
    QScrollBar:horizontal {{ background: transparent; height: 8px; margin: 0; }}
    QScrollBar::handle {{ background: {theme.line}; border-radius: 4px; min-height: 24px; min-width: 24px; }}
    QScrollBar::add-line, QScrollBar::sub-line, QScrollBar::add-page, QScrollBar::sub-page {{
        background: transparent; width: 0; height: 0; }}
    QProgressBar {{ background: {theme.raised}; border: 0; border-radius: 2px; max-height: 4px; }}
    QFrame#banner QProgressBar {{ background: {theme.line}; }}
    QProgressBar::chunk {{ background: {theme.accent}; border-radius: 2px; }}
    QSlider::groove:horizontal {{ background: {theme.line}; height: 4px; border-radius: 2px; }}
    QSlider::sub-page:horizontal {{ background: {theme.accent}; height: 4px; border-radius: 2px; }}
    QSlider::handle:horizontal {{
        background: {theme.text}; width: 12px; height: 12px; margin: -4px 0; border-radius: 6px; }}
    QSlider::handle:horizontal:focus {{
        background: {theme.accent}; border: 2px solid {theme.text}; width: 8px; height: 8px; }}
    QSlider::sub-page:horizontal:disabled, QSlider::handle:horizontal:disabled {{ background: {theme.quiet}; }}
    QLabel#quiet {{ color: {theme.quiet}; }}
    QLabel#heading {{ color: {theme.quiet}; font-size: 11px; font-weight: 600; }}
    QLabel#title {{ font-size: 20px; }}
    QFrame#banner {{ background: {theme.raised}; border-left: 3px solid {theme.accent}; }}
    QFrame#banner QPushButton[answers="true"] {{ border: 1px solid {theme.accent}; padding: 5px 11px; }}
    QLabel#warning {{ color: {theme.warning}; }}
    QFrame#banner[kind="warning"] {{ border-left-color: {theme.warning}; }}
    QFrame#banner[kind="error"] {{ border-left-color: {theme.record}; }}
    QFrame#pane {{ background: #101113; }}
    """
