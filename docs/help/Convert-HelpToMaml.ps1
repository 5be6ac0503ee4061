<#
.SYNOPSIS
    Makes the help that Get-Help shows for PgOps' cmdlets.
.DESCRIPTION
    Nothing is written twice. The synopsis and the parameters' texts come from the C# doc comments, as the compiler writes them
    to PgOps.Cmdlets.xml; types, positions, defaults and aliases from the cmdlets themselves; the description, the examples,
    the notes and the links from <Cmdlet>.md beside this script. The about topics lie here too and are copied.

    All of it goes to module/bin/en-US. PowerShell looks for a cmdlet's help beside the DLL that holds the cmdlet, and for about
    topics beside every loaded module, and PgOps.Cmdlets.dll, which is a module of its own inside PgOps, lies in module/bin.
    module/en-US is searched for neither: the module's base is the folder of PgOps.psd1.

    build.ps1 runs this in a PowerShell of its own, because a DLL stays locked by the session that imported it.
#>
#Requires -Version 7.4
[CmdletBinding()]
param(
    # The manifest of the built module.
    [Parameter(Mandatory)]
    [string] $Module,

    # The folder with PgOps.Cmdlets.xml and PgOps.Abstractions.xml.
    [Parameter(Mandatory)]
    [string] $DocComments,

    # The folder to write to.
    [Parameter(Mandatory)]
    [string] $Destination
)

Set-StrictMode -Version 3
$ErrorActionPreference = 'Stop'

$maml = 'http://schemas.microsoft.com/maml/2004/10'
$command = 'http://schemas.microsoft.com/maml/dev/command/2004/10'
$dev = 'http://schemas.microsoft.com/maml/dev/2004/10'

# The parameters that ShouldProcess adds have no doc comment.
$shouldProcessTexts = @{
    WhatIf  = 'Shows what would be done, and does none of it.'
    Confirm = 'Asks before the work begins; -Confirm:$false does not ask.'
}

function Read-DocComment {
    param([string] $Path)

    $summaries = @{}
    $document = [xml]::new()
    $document.Load($Path)
    foreach ($member in $document.DocumentElement['members'].ChildNodes) {
        if ($member['summary']) { $summaries[$member.GetAttribute('name')] = $member['summary'] }
    }
    $summaries
}

# The text of a member, "T:Namespace.Type" or "P:Namespace.Type.Property"; nothing when it has no doc comment.
function Get-Summary {
    param([hashtable] $Summaries, [string] $Member)

    if ($Summaries.ContainsKey($Member)) { (Get-PlainText $Summaries[$Member]) -replace '\s+', ' ' -replace '^ | $' }
}

# A doc comment's text without its tags: <see cref="P:A.B"/> becomes B.
function Get-PlainText {
    param([System.Xml.XmlNode] $Node)

    $text = foreach ($child in $Node.ChildNodes) {
        if ($child -isnot [System.Xml.XmlElement]) { $child.Value }
        elseif ($child.HasChildNodes) { Get-PlainText $child }
        elseif ($child.HasAttribute('cref')) { ($child.GetAttribute('cref') -split '[.:]')[-1] }
        else { $child.GetAttribute('langword') }
    }
    -join $text
}

# <Cmdlet>.md: '# name' and the description, then '## Examples' with one '### title' each, '## Notes' and '## Links'.
function Read-Topic {
    param([string] $Path)

    $topic = @{ Description = @(); Notes = @(); Links = @(); Examples = [System.Collections.Generic.List[hashtable]]::new() }
    if (-not [System.IO.File]::Exists($Path)) {
        Write-Warning "There is no $Path, so the cmdlet's help has neither description nor examples."
        return $topic
    }

    $sections = [regex]::Split([System.IO.File]::ReadAllText($Path).Replace("`r", ''), '(?m)^(?=## )')
    $topic.Description = Get-Paragraph ($sections[0] -replace '^# .*')
    foreach ($section in $sections -match '^## ') {
        $title, $body = $section -split "`n", 2
        switch ($title.Trim()) {
            '## Notes' { $topic.Notes = Get-Paragraph $body }
            '## Links' { $topic.Links = [regex]::Matches($body, '(?m)^- (.+)$').ForEach({ $_.Groups[1].Value.Trim() }) }
            '## Examples' {
                $pattern = '(?ms)^### (?<title>[^\n]+)\n+```powershell\n(?<code>.*?)\n```\n(?<text>.*?)(?=^### |\z)'
                foreach ($match in [regex]::Matches($body, $pattern)) {
                    $topic.Examples.Add(@{
                            Title = Remove-Markup $match.Groups['title'].Value
                            Code  = $match.Groups['code'].Value
                            Text  = Get-Paragraph $match.Groups['text'].Value
                        })
                }
            }
            default { throw "$Path has a section '$title'; known are ## Examples, ## Notes and ## Links." }
        }
    }
    $topic
}

function Get-Paragraph {
    param([string] $Markdown)

    foreach ($block in $Markdown.Trim() -split '\n\s*\n|\n(?=- )') {
        if ($block.Trim()) { (Remove-Markup $block) -replace '\s+', ' ' -replace '^ | $' }
    }
}

function Remove-Markup {
    param([string] $Text)

    $Text -replace '\*\*(.+?)\*\*', '$1' -replace '\[(.+?)\]\(.+?\)', '$1' -replace '`'
}

function Write-Text {
    param([string] $Prefix, [string] $Name, [string] $Namespace, [string] $Text)

    $xml.WriteElementString($Prefix, $Name, $Namespace, $Text)
}

function Write-Paragraph {
    param([string] $Prefix, [string] $Name, [string] $Namespace, [string[]] $Text)

    $xml.WriteStartElement($Prefix, $Name, $Namespace)
    foreach ($paragraph in $Text) { Write-Text maml para $maml $paragraph }
    $xml.WriteEndElement()
}

function Get-TypeName {
    param([type] $Type)

    $inner = [System.Nullable]::GetUnderlyingType($Type) ?? $Type
    if ($inner -eq [switch]) { return 'SwitchParameter' }
    [Microsoft.PowerShell.ToStringCodeMethods]::Type([psobject] $inner) -replace
        '^(System\.Management\.Automation|System|PgOps)\.(?=\w+(\[\])?$)'
}

# The property behind a parameter says where its doc comment stands.
function Get-ParameterText {
    param([System.Management.Automation.CmdletInfo] $Cmdlet, [System.Management.Automation.CommandParameterInfo] $Parameter)

    $property = $Cmdlet.ImplementingType.GetProperty($Parameter.Name)
    $text = if ($property) {
        Get-Summary $cmdletSummaries "P:$($property.DeclaringType.FullName).$($property.Name)"
    }
    else {
        $shouldProcessTexts[$Parameter.Name]
    }
    if (-not $text) { Write-Warning "$Cmdlet -$($Parameter.Name) has no doc comment." }
    $text

    $type = Get-ElementType $Parameter.ParameterType
    if ($type.IsEnum) {
        foreach ($value in [enum]::GetNames($type)) {
            "- ${value}: $(Get-Summary $typeSummaries "F:$($type.FullName).$value")"
        }
    }
}

function Get-ElementType {
    param([type] $Type)

    $element = $Type.IsArray ? $Type.GetElementType() : $Type
    [System.Nullable]::GetUnderlyingType($element) ?? $element
}

function Get-DefaultValue {
    param([object] $Instance, [System.Management.Automation.CommandParameterInfo] $Parameter)

    $property = $Instance.GetType().GetProperty($Parameter.Name)
    $value = $property -and -not $Parameter.IsMandatory ? $property.GetValue($Instance) : $null
    if ($Parameter.ParameterType -eq [switch]) { 'False' }
    elseif ($null -eq $value -or ($value -is [int] -and $value -eq 0 -and $Parameter.Name -eq 'Port')) { 'None' }
    else { "$value" }
}

function Write-Parameter {
    param(
        [System.Management.Automation.CmdletInfo] $Cmdlet,
        [object] $Instance,
        [System.Management.Automation.CommandParameterInfo] $Parameter,
        [switch] $InSyntax
    )

    $ways = @(
        if ($Parameter.ValueFromPipeline) { 'ByValue' }
        if ($Parameter.ValueFromPipelineByPropertyName) { 'ByPropertyName' }
    )
    $xml.WriteStartElement('command', 'parameter', $command)
    $xml.WriteAttributeString('required', "$($Parameter.IsMandatory)".ToLowerInvariant())
    $xml.WriteAttributeString('variableLength', "$($Parameter.ParameterType.IsArray)".ToLowerInvariant())
    $xml.WriteAttributeString('globbing', 'false')
    $xml.WriteAttributeString('pipelineInput', $(if ($ways) { "True ($($ways -join ', '))" } else { 'False' }))
    $xml.WriteAttributeString('position', $(if ($Parameter.Position -lt 0) { 'named' } else { "$($Parameter.Position)" }))
    $xml.WriteAttributeString('aliases', $(if ($Parameter.Aliases.Count) { $Parameter.Aliases -join ', ' } else { 'none' }))
    Write-Text maml name $maml $Parameter.Name
    if (-not $InSyntax) { Write-Paragraph maml description $maml (Get-ParameterText $Cmdlet $Parameter) }

    $type = Get-ElementType $Parameter.ParameterType
    if ($InSyntax -and $type.IsEnum) {
        $xml.WriteStartElement('command', 'parameterValueGroup', $command)
        foreach ($value in [enum]::GetNames($type)) {
            Write-ParameterValue $value $false
        }
        $xml.WriteEndElement()
    }
    elseif (-not $InSyntax -or $type -ne [switch]) {
        Write-ParameterValue (Get-TypeName $Parameter.ParameterType) ($type -ne [switch])
    }

    Write-Type $Parameter.ParameterType
    if (-not $InSyntax) { Write-Text dev defaultValue $dev (Get-DefaultValue $Instance $Parameter) }
    $xml.WriteEndElement()
}

function Write-ParameterValue {
    param([string] $Value, [bool] $Required)

    $xml.WriteStartElement('command', 'parameterValue', $command)
    $xml.WriteAttributeString('required', "$Required".ToLowerInvariant())
    $xml.WriteString($Value)
    $xml.WriteEndElement()
}

function Write-Type {
    param([type] $Type)

    $xml.WriteStartElement('dev', 'type', $dev)
    Write-Text maml name $maml (Get-TypeName $Type)
    Write-Text maml uri $maml ''
    $xml.WriteEndElement()
}

function Write-Flow {
    param([string] $List, [string] $Item, [System.Collections.Specialized.OrderedDictionary] $Types)

    $xml.WriteStartElement('command', $List, $command)
    foreach ($type in $Types.Keys) {
        $xml.WriteStartElement('command', $Item, $command)
        Write-Type $type
        Write-Paragraph maml description $maml $Types[[object] $type]
        $xml.WriteEndElement()
    }
    $xml.WriteEndElement()
}

# Parameters in the order of their use: what the command works on, the command's own, then what it shares with others (history, signing,
# logs), last what PowerShell adds. Reflection alone would begin with the rarest.
function Sort-ByUse {
    param([System.Management.Automation.CmdletInfo] $Cmdlet, [System.Management.Automation.CommandParameterInfo[]] $Parameter)

    $Parameter | Sort-Object -Stable {
        $property = $Cmdlet.ImplementingType.GetProperty($_.Name)
        if ($_.Position -ge 0) { $_.Position }
        elseif ($_.IsMandatory) { 100 }
        elseif ($_.Name -in 'Target', 'Credential') { 101 }
        elseif (-not $property) { 105 }
        elseif ($_.Name -eq 'LogPath') { 104 }
        elseif ($property.DeclaringType -eq $Cmdlet.ImplementingType) { 102 }
        else { 103 }
    }
}

function Write-Command {
    param([System.Management.Automation.CmdletInfo] $Cmdlet)

    $instance = [Activator]::CreateInstance($Cmdlet.ImplementingType)
    $topic = Read-Topic ([System.IO.Path]::Combine($PSScriptRoot, "$($Cmdlet.Name).md"))
    $common = [System.Management.Automation.Cmdlet]::CommonParameters
    $sets = @($Cmdlet.ParameterSets.Where({ $_.IsDefault })) + @($Cmdlet.ParameterSets.Where({ -not $_.IsDefault }))
    $parameters = [ordered]@{}
    foreach ($parameter in Sort-ByUse $Cmdlet $sets.Parameters) {
        if ($parameter.Name -notin $common -and -not $parameters.Contains($parameter.Name)) { $parameters[$parameter.Name] = $parameter }
    }

    $xml.WriteStartElement('command', 'command', $command)
    $xml.WriteAttributeString('xmlns', 'maml', $null, $maml)
    $xml.WriteAttributeString('xmlns', 'dev', $null, $dev)

    $xml.WriteStartElement('command', 'details', $command)
    Write-Text command name $command $Cmdlet.Name
    Write-Paragraph maml description $maml (Get-Summary $cmdletSummaries "T:$($Cmdlet.ImplementingType.FullName)")
    Write-Text command verb $command $Cmdlet.Verb
    Write-Text command noun $command $Cmdlet.Noun
    $xml.WriteEndElement()

    Write-Paragraph maml description $maml $topic.Description

    $xml.WriteStartElement('command', 'syntax', $command)
    foreach ($set in $sets) {
        $xml.WriteStartElement('command', 'syntaxItem', $command)
        Write-Text maml name $maml $Cmdlet.Name
        foreach ($parameter in (Sort-ByUse $Cmdlet $set.Parameters).Where({ $_.Name -notin $common })) {
            Write-Parameter $Cmdlet $instance $parameter -InSyntax
        }
        $xml.WriteEndElement()
    }
    $xml.WriteEndElement()

    $xml.WriteStartElement('command', 'parameters', $command)
    foreach ($parameter in $parameters.Values) { Write-Parameter $Cmdlet $instance $parameter }
    $xml.WriteEndElement()

    $inputs = [ordered]@{}
    foreach ($parameter in @($parameters.Values).Where({ $_.ValueFromPipeline })) {
        $inputs[[object] $parameter.ParameterType] = "Goes to -$($parameter.Name)."
    }
    Write-Flow inputTypes inputType $inputs

    $outputs = [ordered]@{}
    foreach ($type in $Cmdlet.OutputType.ForEach('Type')) {
        $outputs[[object] $type] = "$(Get-Summary $typeSummaries "T:$($type.FullName)")"
    }
    Write-Flow returnValues returnValue $outputs

    if ($topic.Notes) {
        $xml.WriteStartElement('maml', 'alertSet', $maml)
        Write-Paragraph maml alert $maml $topic.Notes
        $xml.WriteEndElement()
    }

    $xml.WriteStartElement('command', 'examples', $command)
    $number = 0
    foreach ($example in $topic.Examples) {
        $number++
        $xml.WriteStartElement('command', 'example', $command)
        Write-Text maml title $maml "----- Example ${number}: $($example.Title) -----"
        Write-Text dev code $dev $example.Code
        # The empty paragraph keeps the next example's title apart.
        Write-Paragraph dev remarks $dev (@($example.Text) + '')
        $xml.WriteEndElement()
    }
    $xml.WriteEndElement()

    $xml.WriteStartElement('command', 'relatedLinks', $command)
    foreach ($link in $topic.Links) {
        $xml.WriteStartElement('maml', 'navigationLink', $maml)
        Write-Text maml linkText $maml ($link -match '^https?://' ? '' : $link)
        Write-Text maml uri $maml ($link -match '^https?://' ? $link : '')
        $xml.WriteEndElement()
    }
    $xml.WriteEndElement()

    $xml.WriteEndElement()
}

$cmdletSummaries = Read-DocComment ([System.IO.Path]::Combine($DocComments, 'PgOps.Cmdlets.xml'))
$typeSummaries = Read-DocComment ([System.IO.Path]::Combine($DocComments, 'PgOps.Abstractions.xml'))
Import-Module $Module
$null = [System.IO.Directory]::CreateDirectory($Destination)

$settings = [System.Xml.XmlWriterSettings]@{ Indent = $true; Encoding = [System.Text.UTF8Encoding]::new($false); NewLineChars = "`n" }
$xml = [System.Xml.XmlWriter]::Create([System.IO.Path]::Combine($Destination, 'PgOps.Cmdlets.dll-Help.xml'), $settings)
try {
    $xml.WriteStartElement('helpItems', 'http://msh')
    $xml.WriteAttributeString('schema', 'maml')
    foreach ($cmdlet in Get-Command -Module PgOps -CommandType Cmdlet) { Write-Command $cmdlet }
    $xml.WriteEndElement()
}
finally {
    $xml.Dispose()
}

foreach ($topic in [System.IO.Directory]::GetFiles($PSScriptRoot, 'about_*.help.txt')) {
    [System.IO.File]::Copy($topic, [System.IO.Path]::Combine($Destination, [System.IO.Path]::GetFileName($topic)), $true)
}
