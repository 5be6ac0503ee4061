<#
.SYNOPSIS
    Writes the notices of the packages whose libraries PgOps ships. build.ps1 Package runs it.
.DESCRIPTION
    What is shipped is what lies in the folder: each library there that is not PgOps' own is looked up among the packages that the
    build restored, and its package's own description says the licence. A package that brings the text of its licence is quoted; for
    the others the text lies beside this script, under the licence's SPDX name. A library of no package, or a licence without a text,
    is an error: such a package must not be shipped.
#>
#Requires -Version 7.4
[CmdletBinding()]
param(
    # The folder with the libraries.
    [Parameter(Mandatory)]
    [string] $Libraries,

    # The project.assets.json of the project that was published.
    [Parameter(Mandatory)]
    [string] $Assets,

    # The file to write.
    [Parameter(Mandatory)]
    [string] $Destination
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

$restored = Get-Content $Assets -Raw | ConvertFrom-Json -AsHashtable
$target = @($restored.targets.Values)[0]

# The package that brought a library: its folder, and what its .nuspec says.
function Get-Package([string] $Library) {
    $key = @(foreach ($package in $target.Keys) {
            if (@($target[$package]['runtime']?.Keys) -match "(^|/)$([regex]::Escape($Library))$") { $package }
        })
    if ($key.Count -ne 1) { throw "$Library is brought by $($key.Count) of the restored packages. Run ./build.ps1 Clean, then again." }
    $relative = $restored.libraries[$key[0]].path
    $folder = @($restored.packageFolders.Keys).ForEach({ [System.IO.Path]::Combine($_, $relative) }).Where({ Test-Path $_ })[0]
    $said = ([xml](Get-Content (Get-ChildItem $folder -Filter *.nuspec).FullName -Raw)).package.metadata
    $licence = $said['license']
    if (-not $licence) { throw "The package $($key[0]) names no licence." }
    [pscustomobject]@{
        Name      = $said['id'].InnerText
        Version   = $said['version'].InnerText
        Licence   = $licence.GetAttribute('type') -eq 'file' ? 'its own' : $licence.InnerText
        Copyright = $said['copyright'] ? $said['copyright'].InnerText : "Copyright $($said['authors'].InnerText)"
        Project   = $said['projectUrl'] ? $said['projectUrl'].InnerText : ''
        Text      = Get-LicenceText $folder $licence $key[0]
        Notices   = Get-Text (Get-ChildItem $folder -Filter 'THIRD-PARTY-NOTICES*' | Select-Object -First 1)
    }
}

function Get-LicenceText([string] $Folder, [System.Xml.XmlElement] $Licence, [string] $Package) {
    $own = if ($Licence.GetAttribute('type') -eq 'file') { Get-Item (Join-Path $Folder $Licence.InnerText) }
    else { Get-ChildItem $Folder -File | Where-Object Name -Match '^LICEN[CS]E(\.(txt|md))?$' | Select-Object -First 1 }
    if ($own) { return Get-Text $own }
    $common = Join-Path $PSScriptRoot "$($Licence.InnerText).txt"
    if (Test-Path $common) { return Get-Text $common }
    throw "There is no text of the licence $($Licence.InnerText), under which $Package comes: put it into $common."
}

function Get-Text($File) { if ($File) { (Get-Content $File -Raw).ReplaceLineEndings("`n").Trim("`n") } }

$names = @((Get-ChildItem $Libraries -Filter *.dll).Name) -notlike 'PgOps.*.dll'
$packages = @(foreach ($name in $names) { Get-Package $name }) | Sort-Object Name, Version -Unique
if (-not $packages) { throw "There is no library of others in $Libraries." }

$rule = '-' * 79
$text = @(
    'PgOps comes with the libraries of these packages, unchanged, in module/bin:'
    ''
    foreach ($package in $packages) {
        "  $($package.Name) $($package.Version), licence: $($package.Licence)"
        "      $($package.Copyright)"
        if ($package.Project) { "      $($package.Project)" }
    }
    foreach ($licence in $packages | Group-Object Text) {
        '', $rule, "The licence of $(($licence.Group | ForEach-Object { $_.Name }) -join ', ')", $rule, ''
        @($licence.Group.Copyright | Sort-Object -Unique), '', $licence.Group[0].Text
    }
    # The same text differs by a space from package to package.
    foreach ($notices in $packages | Where-Object Notices | Group-Object { $_.Notices -replace '\s+', ' ' }) {
        '', $rule, "What $(($notices.Group | ForEach-Object { $_.Name }) -join ', ') say about the works of others in them", $rule, ''
        $notices.Group[0].Notices
    }
) | ForEach-Object { $_ }
[System.IO.File]::WriteAllText($Destination, ($text -join "`n") + "`n")
